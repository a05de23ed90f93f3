import type { FleetQuery } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerOf } from '../../test-support/deployments/deployments-room.ts';
import { namingIdentity } from '../../test-support/history-room.ts';
import { callerWith } from '../../test-support/identity.ts';
import { type PlannedEndpoint, writePlanned } from '../../test-support/planned-endpoint.ts';
import { type History, createHistory } from './history.ts';

const ana = callerOf('default');
const everything: FleetQuery = { limit: 1000, sort: 'name' };
const since = Date.parse('2026-11-02T00:00:00.000Z');
const live = [
  { version: 1, role: 'live', createdAt: 1, traffic: { from: 2, until: null, sharePercent: 100 } },
] as const;
const accepted = { proposedAt: 1, state: 'accepted', decidedAt: 2 } as const;

function planned(name: string, more: Partial<PlannedEndpoint> = {}): PlannedEndpoint {
  return { name, team: 'default', owner: 'eve', createdAt: 1, versions: [1], ...more };
}

describe.each(databaseKinds)('the fleet, by why endpoints exist and where they stand, on %s', (kind) => {
  let opened: TestDatabase;
  let history: History;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    history = createHistory({
      database: opened.database,
      identity: namingIdentity,
      usage: async () => await Promise.resolve([]),
    });
    const standing = (state: 'waiting' | 'in production' | 'lapsed') => ({ state, since, firstAt: null });
    await writePlanned(opened.database, [
      planned('approved', { deployments: live, useCase: accepted, standing: standing('in production') }),
      planned('fallen', {
        deployments: live,
        useCase: { ...accepted, state: 'retired' },
        standing: standing('lapsed'),
      }),
      planned('hidden', { team: 'risk', deployments: live, standing: standing('lapsed') }),
      planned('old', { deletedAt: 5, standing: standing('lapsed') }),
      planned('plain', { deployments: live, useCase: accepted }),
      planned('stopped', { useCase: { ...accepted, state: 'declined' } }),
      planned('waiting', {
        deployments: live,
        useCase: { proposedAt: 1, state: 'proposed' },
        standing: standing('waiting'),
      }),
      planned('watched', { kind: 'observed', versions: [] }),
      ...Array.from({ length: 30 }, (_, at) =>
        planned(`many-${String(at).padStart(2, '0')}`, {
          versions: [],
          createdAt: at % 3,
          ...(at % 2 === 0 ? { useCase: accepted } : {}),
        }),
      ),
    ]);
  });
  afterAll(async () => {
    await opened.close();
  });

  const names = async (query: Partial<FleetQuery> = {}, caller = ana): Promise<string[]> =>
    (await history.listFleet(caller, { ...everything, ...query })).items
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('many-'));

  test('says who owns each, why it exists, and since when it is in production or lapsed', async () => {
    const { items } = await history.listFleet(ana, everything);
    const shown = new Map(items.map((item) => [item.name, item]));
    const iso = new Date(since).toISOString();
    expect(shown.get('approved')).toMatchObject({
      owner: { id: 'eve', name: 'Eve' },
      kind: 'served',
      useCase: 'why-approved',
      standing: 'in production',
      standingSince: iso,
    });
    expect(shown.get('fallen')).toMatchObject({ standing: 'lapsed', standingSince: iso });
    expect(shown.get('plain')).toMatchObject({ standing: 'deployed', standingSince: null });
    // Waiting for approval changes nothing about what it is.
    expect(shown.get('waiting')).toMatchObject({ standing: 'deployed', standingSince: null });
    expect(shown.get('stopped')).toMatchObject({ standing: 'stopped', live: null });
    expect(shown.get('watched')).toMatchObject({ kind: 'observed', standing: 'observed', live: null, useCase: null });
  });

  test.each([
    ['in production', ['approved']],
    ['lapsed', ['fallen']],
    ['deployed', ['plain', 'waiting']],
    ['stopped', ['stopped']],
    ['observed', ['watched']],
  ] as const)('of those that are %s, in every order', async (standing, expected) => {
    for (const sort of ['name', 'team', 'changed', 'requests'] as const)
      expect((await names({ standing, sort })).toSorted()).toEqual(expected);
  });

  test('orphans have no use case, or one that nobody accepted, or that ended', async () => {
    const orphans = ['fallen', 'stopped', 'waiting', 'watched'];
    expect(await names({ orphans: true })).toEqual(orphans);
    expect(await names({ orphans: true, sort: 'requests' })).toEqual(orphans);
    expect(await names({ orphans: true, standing: 'lapsed' })).toEqual(['fallen']);
    expect(await names({ orphans: false })).toEqual(await names());
  });

  test('what is filtered still pages: each once, none left out', async () => {
    for (const sort of ['name', 'changed', 'team', 'errors'] as const) {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await history.listFleet(ana, {
          limit: 4,
          sort,
          search: 'many-',
          orphans: true,
          standing: 'stopped',
          after,
        });
        seen.push(...page.items.map(({ name }) => name));
        after = page.next;
      } while (after !== undefined);
      expect([sort, seen.length, new Set(seen).size]).toEqual([sort, 15, 15]);
    }
  });

  test('filters show nothing of what one may not see', async () => {
    const sam = callerWith({ id: 'sam', teams: { risk: ['viewer'] }, granted: ['fallen'] });
    expect(await names({ standing: 'lapsed' }, sam)).toEqual(['fallen', 'hidden']);
    expect(await names({ standing: 'lapsed' }, callerWith({ id: 'kim' }))).toEqual([]);
  });
});
