import type { TokenGrant } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Denial, UnknownTokens } from './routing-table.ts';

export interface DenialsOptions {
  readonly clock: Clock;
  /** Counts that are kept apart; beyond it they are folded without their object, then the oldest is lost. */
  readonly maxKeys?: number;
  readonly maxSources?: number;
}

/** What control is told of refusals. */
export interface DenialCounts {
  readonly denials: readonly Denial[];
  readonly unknownTokens: readonly UnknownTokens[];
}

/** Refusals as the gateway counts them: they are too many for an audit entry each. */
export interface Denials {
  /** A known token was refused this, by authorization. `object` is a name; what is none is counted under `?`. */
  note(grant: Pick<TokenGrant, 'actor' | 'tokenId'>, action: string, object: string): void;
  /** A token that is not known came from there. */
  noteUnknown(sourcePrefix: string): void;
  /** The counts of the minutes that are over, which are forgotten here. */
  take(): DenialCounts;
  /** Counts that were taken and did not arrive. */
  giveBack(counts: DenialCounts): void;
}

const minuteMs = 60_000;

/** Stands for whatever is not kept apart. */
const anyObject = '*';

/**
 * What may stand in the ledger: an endpoint's name, with its kind before it if need be. What callers write into a path
 * may be anything, a token or a person's name too.
 */
const objectForm = /^([a-z]+:)?[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const maxObjectLength = 80;

/**
 * Folds refusals by actor, token, action, object and minute. A minute is told when it is over, so that each of its
 * counts is told once; what the process holds when it dies is lost, which is at most a minute's.
 */
export function createDenials({ clock, maxKeys = 10_000, maxSources = 1000 }: DenialsOptions): Denials {
  const denials = createFold<Denial>(
    ({ token, actor, action, object, minute }) => `${minute} ${token} ${actor} ${action} ${object}`,
    maxKeys,
    (denial) => ({ ...denial, object: anyObject }),
  );
  const unknownTokens = createFold<UnknownTokens>(
    ({ source, minute }) => `${minute} ${source}`,
    maxSources,
    (counted) => ({ ...counted, source: anyObject }),
  );
  const thisMinute = (): number => Math.floor(clock.now() / minuteMs) * minuteMs;

  return {
    note: ({ actor, tokenId }, action, object) => {
      const isName = object.length <= maxObjectLength && objectForm.test(object);
      denials.add({ actor, token: tokenId, action, object: isName ? object : '?', minute: thisMinute(), count: 1 });
    },
    noteUnknown: (source) => unknownTokens.add({ source, minute: thisMinute(), count: 1 }),
    take: () => {
      const minute = thisMinute();
      return { denials: denials.takeExcept(minute), unknownTokens: unknownTokens.takeExcept(minute) };
    },
    giveBack: (counts) => {
      for (const denial of counts.denials) denials.add(denial);
      for (const counted of counts.unknownTokens) unknownTokens.add(counted);
    },
  };
}

interface Fold<T> {
  add(counted: T): void;
  takeExcept(minute: number): readonly T[];
}

function createFold<T extends { readonly minute: number; readonly count: number }>(
  keyOf: (counted: T) => string,
  maxKeys: number,
  coarser: (counted: T) => T,
): Fold<T> {
  const counts = new Map<string, T>();
  const addTo = (counted: T): boolean => {
    const key = keyOf(counted);
    const known = counts.get(key);
    if (known === undefined && counts.size >= maxKeys) return false;
    counts.set(key, known === undefined ? counted : { ...known, count: known.count + counted.count });
    return true;
  };
  return {
    add: (counted) => {
      if (addTo(counted) || addTo(coarser(counted))) return;
      const oldest = counts.keys().next();
      if (oldest.done !== true) counts.delete(oldest.value);
      addTo(coarser(counted));
    },
    takeExcept: (minute) => {
      const taken: T[] = [];
      for (const [key, counted] of counts) {
        // A clock that was set back would keep these for long: a later minute than this one is told at once.
        if (counted.minute === minute) continue;
        taken.push(counted);
        counts.delete(key);
      }
      return taken;
    },
  };
}
