import type { Reach } from '../identity/index.ts';

/** What a reach is asked about. */
export interface ReachedEndpoint {
  readonly name: string;
  readonly team: string;
}

/** A reach as sets: whether an endpoint is in it takes the same time however many teams and endpoints it names. */
export interface ReachSet {
  has(endpoint: ReachedEndpoint): boolean;
  /** Whether no endpoint could be outside. */
  readonly isEverything: boolean;
}

/**
 * Makes the sets of one routing table: one for each reach that differs, because most tokens reach the same as others,
 * and one that names 1,000 endpoints takes 50 kB.
 */
export function createReachSets(): (reach: Reach) => ReachSet {
  const known = new Map<string, ReachSet>();
  return (reach) => {
    const key = keyOf(reach);
    let set = known.get(key);
    if (set === undefined) known.set(key, (set = reachSet(reach)));
    return set;
  };
}

function keyOf({ teams, endpoints }: Reach): string {
  // Names hold neither character.
  return `${teams === '*' ? teams : teams.join(',')};${endpoints.join(',')}`;
}

function reachSet(reach: Reach): ReachSet {
  if (reach.teams === '*') return { has: () => true, isEverything: true };
  const teams = new Set(reach.teams);
  const endpoints = new Set(reach.endpoints);
  return { has: ({ name, team }) => teams.has(team) || endpoints.has(name), isEverything: false };
}
