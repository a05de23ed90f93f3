import type { DrillKind, DrillSettings } from '@muster-ml/protocol';
import { readCount } from '../units/count.ts';
import { readRate } from '../units/rate.ts';
import { UsageError } from '../usage-error.ts';

/** Flags that say how much load a drill makes. */
export interface DrillFlags {
  readonly seconds?: string;
  readonly rate?: string;
  readonly inFlight?: string;
}

/** What the flags say; what they leave out is the server's to choose. Throws `UsageError`. */
export function readDrillSettings({ seconds, rate, inFlight }: DrillFlags): DrillSettings {
  return {
    seconds: within('--seconds', readCount('--seconds', seconds ?? '20', 2), 600),
    maxInFlight: within('--in-flight', readCount('--in-flight', inFlight ?? '16', 1), 256),
    ...(rate === undefined ? {} : { requestsPerSecond: readRate('--rate', rate) }),
  };
}

/** The kind that a word names. Throws `UsageError`. */
export function readDrillKind(text: string): DrillKind {
  if (text === 'load' || text === 'failover' || text === 'rollback') return text;
  throw new UsageError(`\`${text}\` is no kind of drill`, 'Write load, failover or rollback.', 'kind');
}

function within(flag: string, count: number, most: number): number {
  if (count <= most) return count;
  throw new UsageError(`\`${flag} ${count}\` is too much`, `Write at most \`${flag} ${most}\`.`, flag);
}
