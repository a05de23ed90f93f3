import { createHash } from 'node:crypto';
import { platformRoles, roles } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aTable } from '../../test-support/serving-twins.ts';
import type { Actor } from '../identity/actor.ts';
import { decide, scopeOf } from '../identity/decide.ts';
import { reaches } from '../../test-support/reaches.ts';
import type { Reach, TokenGrant } from '../identity/index.ts';
import { createAdmission } from './admission.ts';
import { indexTable } from './applied-table.ts';
import { createReachSets } from './reach-sets.ts';
import { parseTable } from './read-table.ts';

const teams = ['risk', 'sales', 'search'] as const;
const names = ['fraud', 'churn', 'ranking', 'risk'] as const;
const endpoint = fc.record({ name: fc.constantFrom(...names), team: fc.constantFrom(...teams) });
const resources = fc.constantFrom(...teams.map((team) => `team/${team}`), ...names.map((name) => `endpoint/${name}`));

const actor: fc.Arbitrary<Actor> = fc.record({
  id: fc.constant('ana'),
  kind: fc.constantFrom('person', 'service'),
  name: fc.constant('ana'),
  teams: fc.dictionary(fc.constantFrom(...teams), fc.uniqueArray(fc.constantFrom(...roles), { maxLength: 3 })),
  platformRoles: fc.uniqueArray(fc.constantFrom(...platformRoles)),
  granted: fc.uniqueArray(fc.constantFrom(...names)),
  token: fc.record({
    id: fc.constant('t'),
    expiresAt: fc.constant(null),
    actions: fc.option(fc.uniqueArray(fc.constantFrom('endpoint.predict', 'endpoint.read', 'model.read'))),
    resources: fc.option(fc.uniqueArray(resources, { maxLength: 3 })),
  }),
});

const token = `mstp_${'a'.repeat(49)}`;

/** The grant of an actor's token, as control writes it. */
function grantOf(of: Actor, isProduction: boolean): TokenGrant {
  const limits = of.token ?? { id: 't', expiresAt: null, actions: null, resources: null };
  const seen = scopeOf({ ...of, token: { ...limits, actions: null } }, 'endpoint.read', { isProduction });
  return {
    digest: createHash('sha256').update(token).digest('hex'),
    tokenId: 't',
    actor: of.id,
    expiresAt: null,
    see: seen.reach,
    predict: scopeOf(of, 'endpoint.predict', { isProduction }).reach,
    ...(seen.within === undefined ? {} : { within: seen.within }),
  };
}

describe('the gateway', () => {
  test('decides about every actor, token and endpoint as identity does', () => {
    const seen = { allowed: 0, forbidden: 0, hidden: 0 };
    fc.assert(
      fc.property(actor, endpoint, fc.boolean(), (of, { name, team }, isProduction) => {
        const resource = { kind: 'endpoint', id: name, team } as const;
        const decision = decide(of, 'endpoint.predict', resource, { isProduction });
        const admission = createAdmission({ clock: { now: () => 0, after: () => () => undefined } });
        const text = JSON.stringify(aTable(1, [], { tokens: [grantOf(of, isProduction)] }));
        admission.apply(indexTable(parseTable(text)));
        const grant = admission.authenticate(token);
        expect(admission.mayPredict(grant, { name, team })).toBe(decision.allow);
        expect(admission.sees(grant, { name, team })).toBe(decision.visible);
        seen[decision.allow ? 'allowed' : decision.visible ? 'forbidden' : 'hidden'] += 1;
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(100);
  });
});

test('a reach as sets is the reach as lists', () => {
  const reach: fc.Arbitrary<Reach> = fc.record({
    teams: fc.oneof(fc.constant('*' as const), fc.uniqueArray(fc.constantFrom(...teams))),
    endpoints: fc.uniqueArray(fc.constantFrom(...names)),
  });
  fc.assert(
    fc.property(fc.array(reach, { minLength: 1 }), endpoint, (some, asked) => {
      const setOf = createReachSets();
      for (const one of some) expect(setOf(one).has(asked)).toBe(reaches(one, asked));
    }),
  );
});

describe('a table of the release before', () => {
  const read = (grant: object): TokenGrant | undefined => {
    const { limits: _limits, ...old } = aTable(1, []);
    return parseTable(
      JSON.stringify({ ...old, tokens: [{ digest: 'd', tokenId: 't', actor: 'a', expiresAt: null, ...grant }] }),
    )?.tokens[0];
  };
  const everything = { teams: '*', endpoints: [] };
  const nothing = { teams: [], endpoints: [] };

  test('is decided by as it was meant, without limits, until control sends another', () => {
    expect(read({ predict: '*' })).toMatchObject({ see: everything, predict: everything });
    const some = { teams: [], endpoints: ['fraud'] };
    expect(read({ predict: ['fraud'] })).toMatchObject({ see: some, predict: some });
    const { limits: _limits, ...old } = aTable(1, []);
    expect(parseTable(JSON.stringify(old))?.limits).toEqual([]);
  });

  test.each([
    ['no reach', {}],
    ['names that are none', { predict: [1] }],
    ['half of a grant', { predict: everything }],
    ['the other half', { see: everything, predict: '*' }],
    ['limits of one that knew none', { predict: '*', within: nothing }],
    ['limits that cannot be read', { see: everything, predict: everything, within: 'fraud' }],
  ])('denies what it does not understand: %s', (_, grant) => {
    const found = read(grant);
    expect(found?.within ?? found?.see).toEqual(nothing);
    expect(found?.within ?? found?.predict).toEqual(nothing);
  });
});
