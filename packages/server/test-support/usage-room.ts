import type { Deployments } from '../src/deployments/index.ts';
import type { Identity } from '../src/identity/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import type { UsageCount } from '../src/serving/index.ts';
import { type Usage, createUsage } from '../src/usage/index.ts';
import { endpointNotFound } from '../src/deployments/change-endpoint.ts';
import { decidingIdentity } from './identity.ts';

export const hour = Date.UTC(2026, 10, 30, 9);

/** This room on a database, with the real decisions, and a clock that the test moves. */
export interface UsageRoom {
  readonly usage: Usage;
  now: number;
}

/** `endpoints`: those that are there, by name, with their teams. */
export function aUsageRoom(database: Database, endpoints: Readonly<Record<string, string>> = { e: 'risk' }): UsageRoom {
  const identity: Identity = {
    ...decidingIdentity(),
    namesOf: async (ids) => await Promise.resolve(new Map(ids.map((id) => [id, `name of ${id}`]))),
  };
  const deployments: Pick<Deployments, 'servedEndpoint'> = {
    servedEndpoint: async (caller, action, name) => {
      const team = endpoints[name];
      const missing = () => endpointNotFound(name);
      if (team === undefined) throw missing();
      identity.authorize(caller, action, { kind: 'endpoint', id: name, team, missing });
      return await Promise.resolve({ id: name, name, team, serving: () => undefined });
    },
  };
  const clock = { now: (): number => room.now, after: () => () => undefined };
  const room: UsageRoom = {
    now: hour + 1000,
    usage: createUsage({
      database,
      deployments,
      identity,
      clock,
    }),
  };
  return room;
}

export function aCount(overrides: Partial<UsageCount> = {}): UsageCount {
  return {
    endpoint: 'e',
    team: 'risk',
    model: 'scores',
    version: '1',
    actor: 'ana',
    hour,
    requests: 1,
    clientErrors: 0,
    serverErrors: 0,
    refused: 0,
    rows: 2,
    runMs: 0.5,
    lastAt: hour + 500,
    ...overrides,
  };
}
