import { type CallersQuery, type EndpointCallers, keptUsageDays } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { UsageKeeper } from '../serving/index.ts';
import { dayMs, hourMs, hourOf } from './hours.ts';
import { createQuotaBoard } from './quota-board.ts';
import type { UsageParts } from './parts.ts';
import { readCallers } from './read-callers.ts';
import { createUsageStore } from './store.ts';

/**
 * Who calls what. The gateways count and report; here each report is added once, by endpoint, version, actor and hour
 * (UTC), and what of the daily quotas is used is told back. What a gateway had not reported when it was killed, at most a
 * second's calls, is lost.
 */
export interface Usage extends UsageKeeper {
  /** Who called an endpoint, by calls. Throws `endpoint_not_found`, `not_allowed`. */
  readCallers(caller: Caller, endpoint: string, query: CallersQuery): Promise<EndpointCallers>;
  /** How every endpoint was used in the last hours, for another room’s page, which decides who may see it. */
  endpointUse(hours: number): Promise<readonly EndpointUse[]>;
  /** Reads what of the day is used; called once, before gateways report. */
  start(): Promise<void>;
  /** Removes what is no longer kept. */
  sweep(): Promise<void>;
}

/** How an endpoint was used, by its name and the team that owned it then. */
export interface EndpointUse {
  readonly endpoint: string;
  readonly team: string;
  readonly requests: number;
  readonly errors: number;
  readonly callers: number;
}

/** Streams of gateways that have not reported for so long are over. */
const streamDays = 30;

export function createUsage(given: Omit<UsageParts, 'store'>): Usage {
  const { database, clock } = given;
  const parts: UsageParts = { ...given, store: createUsageStore(database) };
  const { store } = parts;
  const board = createQuotaBoard(clock);

  return {
    async keep(report) {
      const { stream, sequence, quotas } = report;
      const used = await database.inTransaction(async (tx) => {
        await store.add(tx, report, clock.now());
        return await store.quotasUsed(tx, quotas);
      });
      board.note(used);
      return { stream, sequence, used: [...used] };
    },
    usedToday: () => board.today(),

    readCallers: async (caller, endpoint, query) => await readCallers(parts, caller, endpoint, query),
    endpointUse: async (hours) => await store.endpointUse(hourOf(clock.now() - hours * hourMs)),

    async start() {
      board.note(await store.quotasOfDay(board.day()));
    },
    async sweep() {
      const now = clock.now();
      await database.inTransaction(
        async (tx) =>
          await store.removeBefore(tx, {
            hour: hourOf(now - keptUsageDays * dayMs),
            // Yesterday's are still told by gateways that were away at midnight.
            day: board.day() - dayMs,
            stream: now - streamDays * dayMs,
          }),
      );
    },
  };
}
