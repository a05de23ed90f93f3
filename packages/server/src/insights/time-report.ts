import { type TimeToProduction, roadStages } from '@muster-ml/protocol';
import { type Milestones, type Open, type Passage, passageOf, waitOf } from './road.ts';
import { roadTimes } from './times.ts';

/** An endpoint on its way to production, or there. */
export interface Road {
  readonly endpoint: string;
  readonly team: string;
  /** Id of the actor whom to ask about it. */
  readonly owner: string;
  readonly createdAt: number;
  /** Whether it counts among what waits: it is there, Muster serves it, and it is not in production. */
  readonly isOnItsWay: boolean;
  readonly milestones: Milestones;
  readonly open: Open;
}

export interface TimeFilter {
  readonly team: string | undefined;
  /** When it came into production, as `[from, until)` in milliseconds since the epoch. */
  readonly from: number | undefined;
  readonly until: number | undefined;
}

/** How many of those that wait are named. */
const waitingShown = 100;

type Arrival = Pick<Road, 'team'> & { readonly passage: Passage; readonly isFirstOfOwner: boolean };

/** The report over the roads that somebody sees. Pure. */
export function timeReport(roads: readonly Road[], filter: TimeFilter, now: number): TimeToProduction {
  const chosen = arrivalsOf(roads, filter);
  const teams = Map.groupBy(chosen, ({ team }) => team);
  const waiting = waitingOf(roads, filter, now);
  return {
    all: roadTimes(chosen.map(({ passage }) => passage)),
    newcomers: roadTimes(chosen.flatMap(({ passage, isFirstOfOwner }) => (isFirstOfOwner ? passage : []))),
    teams: [...teams]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([team, those]) => ({ team, ...roadTimes(those.map(({ passage }) => passage)) })),
    waiting: waiting.slice(0, waitingShown),
    waitingCount: waiting.length,
  };
}

/** What came into production then. Who is a newcomer is found out among all, not among those that are asked for. */
function arrivalsOf(roads: readonly Road[], { team, from, until }: TimeFilter): Arrival[] {
  const first = new Map<string, number>();
  const arrived = roads.flatMap((road) => {
    const at = road.milestones.inProductionAt;
    return at === null ? [] : [{ road, at }];
  });
  const inOrder = arrived.toSorted(
    (one, other) => one.at - other.at || (one.road.endpoint < other.road.endpoint ? -1 : 1),
  );
  return inOrder.flatMap(({ road, at }, index) => {
    if (!first.has(road.owner)) first.set(road.owner, index);
    const isAskedFor = at >= (from ?? -Infinity) && at < (until ?? Infinity) && (team ?? road.team) === road.team;
    if (!isAskedFor) return [];
    const isFirstOfOwner = first.get(road.owner) === index;
    return [{ team: road.team, passage: passageOf(road.milestones, at), isFirstOfOwner }];
  });
}

/** What is on its way, those that have waited longest in their stage first. */
function waitingOf(
  roads: readonly Road[],
  { team }: Pick<TimeFilter, 'team'>,
  now: number,
): TimeToProduction['waiting'] {
  return roads
    .flatMap((road) => {
      if (!road.isOnItsWay || (team ?? road.team) !== road.team) return [];
      const { stage, since } = waitOf(road.milestones, road.open, road.createdAt);
      return [{ endpoint: road.endpoint, team: road.team, stage, at: since }];
    })
    .toSorted((one, other) => one.at - other.at || (one.endpoint < other.endpoint ? -1 : 1))
    .map(({ at, ...wait }) => ({
      ...wait,
      waitsFor: roadStages[wait.stage].waitsFor,
      since: new Date(at).toISOString(),
      ms: Math.max(0, now - at),
    }));
}
