import type { CallLimit } from '../identity/index.ts';
import type { QuotaUse } from './usage-report.ts';

/** Notices when a daily quota is used up: once for each, so that gateways are told at once and not again and again. */
export interface UsedUp {
  /** Whether one of these is used up now and was not when it was looked at last. */
  isNew(limits: readonly CallLimit[], used: readonly QuotaUse[]): boolean;
}

/** Days and quotas that are remembered; beyond it some are told twice. */
const maxRemembered = 100_000;

export function createUsedUp(): UsedUp {
  const told = new Set<string>();
  let indexed: readonly CallLimit[] = [];
  let quotas = new Map<string, number>();
  return {
    isNew: (limits, used) => {
      if (limits !== indexed) {
        indexed = limits;
        quotas = new Map(
          limits.flatMap(({ endpoint, actor, requestsPerDay }) =>
            requestsPerDay === null ? [] : [[`${endpoint} ${actor}`, requestsPerDay] as const],
          ),
        );
      }
      let isNew = false;
      for (const { endpoint, actor, day, requests } of used) {
        const quota = quotas.get(`${endpoint} ${actor}`);
        if (quota === undefined || requests < quota || told.has(`${endpoint} ${actor} ${day}`)) continue;
        if (told.size >= maxRemembered) told.clear();
        told.add(`${endpoint} ${actor} ${day}`);
        isNew = true;
      }
      return isNew;
    },
  };
}
