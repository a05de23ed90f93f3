import { platformRoles, roles } from '@muster-ml/protocol';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callerWith } from '../../test-support/identity.ts';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { decide, scopeOf } from './decide.ts';
import { inScope } from './in-scope.ts';

type Tables = { thing: { endpoint: string; team: string; owner: string } };

const things = ['fraud', 'churn', 'ranking'].flatMap((endpoint, at) =>
  ['own', 'other', 'third'].map((team, index) => ({
    endpoint: `${endpoint}-${team}`,
    team,
    owner: (at + index) % 2 === 0 ? 'alice' : 'bob',
  })),
);

describe.each(databaseKinds)('the rows of a scope on %s', (kind) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    await opened.database.inTransaction(async (tx) => {
      await sql`create table thing (endpoint text not null, team text not null, owner text not null)`.execute(tx);
      await tx.withTables<Tables>().insertInto('thing').values(things).execute();
    });
  });
  afterAll(async () => {
    await opened.close();
  });

  test('are exactly those on which the decision allows the action', async () => {
    const names = things.map(({ endpoint }) => endpoint);
    const given = fc.record({
      teams: fc.dictionary(fc.constantFrom('own', 'other'), fc.subarray([...roles]), { maxKeys: 2 }),
      platformRoles: fc.subarray([...platformRoles], { maxLength: 1 }),
      granted: fc.subarray(names, { maxLength: 2 }),
      token: fc.record({
        actions: fc.constantFrom(null, ['endpoint.read' as const]),
        resources: fc.option(fc.subarray(['team/own', 'team/third', ...names.map((name) => `endpoint/${name}`)])),
      }),
    });
    const action = fc.constantFrom('endpoint.read' as const, 'endpoint.predict' as const, 'operation.read' as const);
    await fc.assert(
      fc.asyncProperty(given, action, fc.boolean(), async (who, what, isProduction) => {
        const { actor } = callerWith(who);
        const rows = await opened.database.reader
          .withTables<Tables>()
          .selectFrom('thing')
          .select('endpoint')
          .where(
            inScope(scopeOf(actor, what, { isProduction }), {
              team: 'thing.team',
              endpoint: 'thing.endpoint',
              owner: 'thing.owner',
            }),
          )
          .execute();
        const allowed = things.filter(
          ({ endpoint, team, owner }) =>
            decide(actor, what, { kind: 'endpoint', id: endpoint, team, owner }, { isProduction }).allow,
        );
        expect(new Set(rows.map((row) => row.endpoint))).toEqual(new Set(allowed.map(({ endpoint }) => endpoint)));
      }),
      { numRuns: 300 },
    );
  });
});
