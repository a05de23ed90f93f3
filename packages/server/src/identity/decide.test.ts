import {
  type Action,
  type Condition,
  type PlatformRole,
  type ResourceKind,
  type Role,
  actions,
  matrix,
  permissionOf,
  platformRoles,
  readActions,
  roles,
  routes,
} from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callerWith } from '../../test-support/identity.ts';
import type { Resource } from './actor.ts';
import { decide, holds } from './decide.ts';

const dev = { isProduction: false };
const prod = { isProduction: true };
const kinds = Object.keys(readActions) as ResourceKind[];
const endpointIn = (team: string): Resource => ({ kind: 'endpoint', id: 'fraud', team });

const anyRoles = fc.dictionary(fc.constantFrom('own', 'other'), fc.subarray([...roles]), { maxKeys: 2 });
const anyActor = fc.record({
  teams: anyRoles,
  platformRoles: fc.subarray([...platformRoles]),
  granted: fc.subarray(['fraud', 'churn']),
});
const anyAction = fc.constantFrom(...actions);
const anyResource: fc.Arbitrary<Resource> = fc.record({
  kind: fc.constantFrom(...kinds),
  id: fc.constantFrom('fraud', 'churn', 'x'),
  team: fc.constantFrom('own', 'other', 'third', undefined),
  owner: fc.constantFrom('alice', 'bob', undefined),
});

describe('the decision', () => {
  test.each(roles)('a %s may in its own team what the matrix says, and in another team what everyone may', (role) => {
    const { actor } = callerWith({ teams: { own: [role] } });
    for (const action of actions) {
      const needed = permissionOf(role, action);
      const everyone = permissionOf('everyone', action)?.length === 0;
      const holdsHere = everyone || (needed !== undefined && !needed.includes('own'));
      expect([action, decide(actor, action, endpointIn('own'), dev).allow]).toEqual([action, holdsHere]);
      expect([action, decide(actor, action, endpointIn('other'), dev).allow]).toEqual([action, everyone]);
    }
  });

  test('production takes from a data scientist what changes or calls it, and from an operator nothing', () => {
    const of = (role: Role) => callerWith({ teams: { own: [role] } }).actor;
    expect(decide(of('data-scientist'), 'endpoint.deploy', endpointIn('own'), dev).allow).toBe(true);
    const refused = decide(of('data-scientist'), 'endpoint.deploy', endpointIn('own'), prod);
    expect(refused).toMatchObject({ allow: false, visible: true });
    expect(refused.reasons[0]).toContain('only if the installation is not `prod`');
    expect(decide(of('operator'), 'endpoint.deploy', endpointIn('own'), prod).allow).toBe(true);
  });

  test('more roles never take anything away', () => {
    fc.assert(
      fc.property(anyActor, anyAction, anyResource, fc.constantFrom(...roles), (given, action, resource, more) => {
        const { actor } = callerWith(given);
        const richer = { ...actor, teams: { ...actor.teams, own: [...(actor.teams['own'] ?? []), more] } };
        fc.pre(decide(actor, action, resource, dev).allow);
        expect(decide(richer, action, resource, dev).allow).toBe(true);
      }),
    );
  });

  test('a limited token never allows or shows more than its owner may', () => {
    const limits = fc.record({
      actions: fc.option(fc.subarray([...actions])),
      resources: fc.option(fc.subarray(['team/own', 'team/third', 'endpoint/fraud'])),
    });
    fc.assert(
      fc.property(anyActor, anyAction, anyResource, limits, (given, action, resource, token) => {
        const free = decide(callerWith(given).actor, action, resource, dev);
        const limited = decide(callerWith({ ...given, token }).actor, action, resource, dev);
        expect(limited.allow && !free.allow).toBe(false);
        expect(limited.visible && !free.visible).toBe(false);
      }),
    );
  });

  test('what is allowed is visible, and a refusal says why', () => {
    fc.assert(
      fc.property(anyActor, anyAction, anyResource, (given, action, resource) => {
        const decision = decide(callerWith(given).actor, action, resource, dev);
        expect(decision.allow && !decision.visible).toBe(false);
        expect(decision.reasons.length).toBeGreaterThan(0);
      }),
    );
  });

  test('an access rule lets call its endpoint and no other, and nothing else', () => {
    const { actor } = callerWith({ granted: ['fraud'] });
    const allowed = actions.filter((action) => decide(actor, action, endpointIn('own'), dev).allow);
    const everyone = actions.filter((action) => permissionOf('everyone', action)?.length === 0);
    expect(new Set(allowed)).toEqual(new Set([...everyone, ...(Object.keys(matrix.granted) as Action[])]));
    expect(decide(actor, 'endpoint.predict', { kind: 'endpoint', id: 'churn', team: 'own' }, dev)).toMatchObject({
      allow: false,
      visible: false,
    });
  });

  test('a role of the installation holds in every team and for what belongs to none', () => {
    const of = (role: PlatformRole) => callerWith({ platformRoles: [role] }).actor;
    expect(decide(of('auditor'), 'audit.read', { kind: 'entry', id: '1', team: 'any-team' }, dev).allow).toBe(true);
    expect(decide(of('admin'), 'team.create', { kind: 'team', id: 'new' }, dev).allow).toBe(true);
    const inTeam = callerWith({ teams: { own: ['admin'] } }).actor;
    expect(decide(inTeam, 'team.create', { kind: 'team', id: 'new' }, dev).allow).toBe(false);
  });

  test('a token that is limited to actions hides nothing, one that is limited to resources hides the rest', () => {
    const teams = { own: ['operator'] as Role[] };
    const byAction = callerWith({ teams, token: { actions: ['endpoint.predict'] } }).actor;
    expect(decide(byAction, 'endpoint.delete', endpointIn('own'), dev)).toMatchObject({ allow: false, visible: true });
    const byResource = callerWith({ teams, token: { resources: ['endpoint/churn'] } }).actor;
    expect(decide(byResource, 'endpoint.delete', endpointIn('own'), dev)).toMatchObject({
      allow: false,
      visible: false,
    });
  });

  test('every route names an action that somebody holds', () => {
    const held = new Set(Object.values(matrix).flatMap((line) => Object.keys(line)));
    for (const [name, route] of Object.entries(routes)) expect([name, held.has(route.action)]).toEqual([name, true]);
    expect(actions.filter((action) => !held.has(action))).toEqual([]);
  });
});

describe('a condition', () => {
  const alice = callerWith({}).actor;
  const bot = callerWith({ id: 'bot', kind: 'service' }).actor;
  const about = (facts: Partial<Resource>): Resource => ({ kind: 'model', id: 'm', ...facts });
  const cases: readonly [Condition, typeof alice, Resource, typeof dev, boolean][] = [
    ['own', alice, about({ owner: 'alice' }), dev, true],
    ['own', alice, about({ owner: 'bob' }), dev, false],
    ['own', alice, about({}), dev, false],
    ['sandbox', alice, about({}), dev, true],
    ['sandbox', alice, about({}), prod, false],
    ['notSelf', alice, about({ owner: 'bob' }), dev, true],
    ['notSelf', alice, about({ owner: 'alice' }), dev, false],
    ['notSelf', alice, about({ owner: 'alice', isOnlyAdmin: true }), dev, true],
    ['notAuthor', alice, about({ authors: ['bob'] }), dev, true],
    ['notAuthor', alice, about({ authors: ['bob', 'alice'] }), dev, false],
    ['notRequester', alice, about({ requesters: ['bob'] }), dev, true],
    ['notRequester', alice, about({ requesters: ['alice'] }), dev, false],
    ['person', alice, about({}), dev, true],
    ['person', bot, about({}), dev, false],
  ];
  test.each(cases)('%s of %o about %o', (condition, actor, resource, circumstances, expected) => {
    expect(holds(condition, actor, resource, circumstances)).toBe(expected);
  });
});
