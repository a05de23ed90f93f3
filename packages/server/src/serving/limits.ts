import { MusterError } from '@muster-ml/protocol';
import type { CallLimit } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { CallLimits } from './faces.ts';
import type { QuotaUse } from './usage-report.ts';

/** The limits of a routing table, and what was used of them. Its memory is bounded by the table. */
export interface TableLimits extends CallLimits {
  /** Holds these limits from now on. What was used of one that stays is kept, so that a new table gives nobody more. */
  apply(limits: readonly CallLimit[], usedToday: readonly QuotaUse[] | undefined): void;
  /**
   * Calls since the last time that count towards a quota, of at most so many endpoints and actors; with 0 where a call
   * was refused by one. They count here until `told`.
   */
  take(most: number): readonly QuotaUse[];
  /** What was taken is kept by control, and this is what it knows now. */
  told(used: readonly QuotaUse[]): void;
}

const dayMs = 86_400_000;

/** One actor's limits at one endpoint. */
interface Held {
  limit: CallLimit;
  /** Calls that may come at once, now. */
  tokens: number;
  /** When `tokens` was right. */
  filledAt: number;
  /** The day of the three below. */
  day: number;
  /** What control knew of the day when it answered last. */
  known: number;
  /** What is being told to control, and may be among `known` already once it answers. */
  telling: number;
  /** What it has not been told yet. */
  untold: number;
  /** Whether it is among those that the next report names. */
  isAsked: boolean;
}

/**
 * Rates are a bucket for each endpoint and actor, of one second's worth and at least one call, and hold for this gateway.
 * Quotas count by day (UTC) over all gateways: each adds its own calls to what control knew when it answered last, so
 * together they let in at most what comes within the second until the next report too much.
 */
export function createTableLimits(clock: Clock): TableLimits {
  let byEndpoint: ReadonlyMap<string, ReadonlyMap<string, Held>> = new Map();
  let asked: Held[] = [];
  let telling: readonly Held[] = [];

  const holdOf = (endpoint: string, actor: string): Held | undefined => byEndpoint.get(endpoint)?.get(actor);
  const learn = (used: readonly QuotaUse[], now: number): void => {
    const today = dayOf(now);
    for (const { endpoint, actor, day, requests } of used) {
      const held = holdOf(endpoint, actor);
      if (held === undefined || day !== today) continue;
      turnDay(held, today);
      held.known = requests;
    }
  };

  return {
    admit: (endpoint, actor) => {
      const held = holdOf(endpoint, actor);
      if (held === undefined) return;
      const now = clock.now();
      const waitMs = waitForRate(held, now);
      if (waitMs > 0)
        throw new MusterError('rate_limited', `you may call "${endpoint}" ${held.limit.ratePerSecond} times a second`, {
          retryAfterSeconds: waitMs / 1000,
        });
      const { requestsPerDay } = held.limit;
      if (requestsPerDay !== null) {
        turnDay(held, dayOf(now));
        if (!held.isAsked) {
          held.isAsked = true;
          asked.push(held);
        }
        if (held.known + held.telling + held.untold >= requestsPerDay)
          throw new MusterError('quota_exceeded', `you may call "${endpoint}" ${requestsPerDay} times a day`, {
            retryAfterSeconds: (held.day + dayMs - now) / 1000,
          });
        held.untold += 1;
      }
      if (held.limit.ratePerSecond !== null) held.tokens -= 1;
    },

    apply: (limits, usedToday) => {
      const next = new Map<string, Map<string, Held>>();
      for (const limit of limits) {
        let actors = next.get(limit.endpoint);
        if (actors === undefined) next.set(limit.endpoint, (actors = new Map<string, Held>()));
        const held = holdOf(limit.endpoint, limit.actor) ?? newHeld(limit, clock.now());
        held.limit = limit;
        actors.set(limit.actor, held);
      }
      byEndpoint = next;
      // One whose limit is gone has nothing to tell.
      asked = asked.filter((held) => holdOf(held.limit.endpoint, held.limit.actor) === held);
      // What is being told may be in these figures already, or not: only an answer says so. Less than was known is old news.
      learn(
        (usedToday ?? []).filter(({ endpoint, actor, day, requests }) => {
          const held = holdOf(endpoint, actor);
          return held !== undefined && (held.day !== day || requests > held.known);
        }),
        clock.now(),
      );
    },

    take: (most) => {
      telling = asked.splice(0, most);
      return telling.map((held) => {
        held.isAsked = false;
        held.telling = held.untold;
        held.untold = 0;
        return { endpoint: held.limit.endpoint, actor: held.limit.actor, day: held.day, requests: held.telling };
      });
    },

    told: (used) => {
      for (const held of telling) {
        // Where control says nothing of it, what was told is what is known.
        held.known += held.telling;
        held.telling = 0;
      }
      telling = [];
      learn(used, clock.now());
    },
  };
}

function newHeld(limit: CallLimit, now: number): Held {
  return {
    limit,
    tokens: burstOf(limit),
    filledAt: now,
    day: dayOf(now),
    known: 0,
    telling: 0,
    untold: 0,
    isAsked: false,
  };
}

/** Fills the bucket up to now; answers how long until it holds a call, 0 where it does. */
function waitForRate(held: Held, now: number): number {
  const { ratePerSecond } = held.limit;
  if (ratePerSecond === null) return 0;
  // A clock that was set back fills nothing, and takes nothing away.
  const passedMs = Math.max(0, now - held.filledAt);
  held.tokens = Math.min(burstOf(held.limit), held.tokens + (passedMs * ratePerSecond) / 1000);
  held.filledAt = now;
  return held.tokens >= 1 ? 0 : ((1 - held.tokens) * 1000) / ratePerSecond;
}

function burstOf({ ratePerSecond }: CallLimit): number {
  return Math.max(1, ratePerSecond ?? 1);
}

/** Begins a day: what was counted of the last one is not of this one. */
function turnDay(held: Held, today: number): void {
  if (held.day === today) return;
  held.day = today;
  held.known = 0;
  held.telling = 0;
  held.untold = 0;
}

function dayOf(now: number): number {
  return Math.floor(now / dayMs) * dayMs;
}
