import type { CheckDescription, OutcomeState } from '../management/readiness.ts';
import type { Facts } from './facts.ts';

/** What a check found. Times are milliseconds since the epoch. */
export interface Outcome {
  readonly state: OutcomeState;
  /** What was found, in a sentence. */
  readonly summary: string;
  readonly at?: number | undefined;
  /** When it goes stale by itself. */
  readonly until?: number | undefined;
  /** Id of the evidence. */
  readonly evidence?: string | undefined;
  /** The command that gets what is missing, with the names filled in. */
  readonly remedy?: string | undefined;
}

/** One check: what it asks for, and the pure judgement. A new one is a file in `checks/`, its line in `checks/index.ts`, and a test. */
export interface Check extends Readonly<Omit<CheckDescription, 'appliesTo'>> {
  readonly appliesTo: readonly ('served' | 'observed')[];
  /** For observed endpoints, a person may attest to what is collected otherwise. */
  readonly attestedWhereObserved?: boolean;
  readonly judge: (facts: Facts) => Outcome;
}

export const dayMs = 86_400_000;
