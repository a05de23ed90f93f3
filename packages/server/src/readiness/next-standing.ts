import type { JudgedChecks } from '@muster-ml/protocol';
import type { StandingRecord } from '../standing/index.ts';

/** What a look at an endpoint found, as far as its standing depends on it. */
export interface Look {
  readonly judged: Pick<JudgedChecks, 'holds' | 'checks'>;
  /** The approved submission of exactly what is live now. */
  readonly approved: string | null;
}

export interface NextStanding {
  readonly what: 'granted' | 'lapsed' | 'restored';
  readonly state: 'in production' | 'lapsed';
  readonly reasons: readonly string[];
}

/**
 * How a standing changes by what was found; undefined where it does not. Pure: in production only while what is live is
 * what was approved, and every required check holds or is waived.
 */
export function nextStanding(record: StandingRecord | undefined, look: Look): NextStanding | undefined {
  const stands = look.approved !== null && look.judged.holds;
  const before = record?.state;
  if (!stands) {
    if (before !== 'in production') return undefined;
    return { what: 'lapsed', state: 'lapsed', reasons: reasonsOf(look) };
  }
  const isSame = record?.submission === look.approved;
  if (before === 'in production' && isSame) return undefined;
  const isRestored = before === 'lapsed' && isSame;
  return {
    what: isRestored ? 'restored' : 'granted',
    state: 'in production',
    reasons: [isRestored ? 'every required check holds again' : 'it was approved, and every required check holds'],
  };
}

/** What keeps it from production, in sentences; empty where nothing does. */
export function reasonsOf({ judged, approved }: Look, wasSubmitted = true): readonly string[] {
  const gaps = judged.checks
    .filter(({ required, holds }) => required && !holds)
    .map(({ check, outcome }) => `${check.id} ${check.title}: ${outcome.summary}`);
  if (approved !== null || gaps.some((gap) => gap.startsWith('R19'))) return gaps;
  return [...gaps, wasSubmitted ? 'what is there now is not what was approved' : 'nobody has submitted it yet'];
}
