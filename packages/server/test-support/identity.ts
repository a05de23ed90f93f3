import type { PlatformRole, Role } from '@muster-ml/protocol';
import { MusterError } from '@muster-ml/protocol';
import type { Actor, Caller, Identity, TokenLimits } from '../src/identity/actor.ts';
import { decide, scopeOf } from '../src/identity/decide.ts';

/** A caller with roles by team, as authentication would find one. */
export function callerWith(given: {
  readonly id?: string;
  readonly kind?: Actor['kind'];
  readonly teams?: Readonly<Record<string, readonly Role[]>>;
  readonly platformRoles?: readonly PlatformRole[];
  readonly granted?: readonly string[];
  readonly token?: Partial<TokenLimits>;
}): Caller {
  const id = given.id ?? 'alice';
  return {
    requestId: 'request-1',
    actor: {
      id,
      kind: given.kind ?? 'person',
      name: id,
      teams: given.teams ?? {},
      platformRoles: given.platformRoles ?? [],
      granted: given.granted ?? [],
      token: { id: `token-of-${id}`, expiresAt: null, actions: null, resources: null, ...given.token },
    },
  };
}

/** Every role in a team and the installation: what the first start gives. */
export function firstAdmin(team = 'default', id = 'alice'): Caller {
  return callerWith({
    id,
    teams: { [team]: ['viewer', 'data-scientist', 'operator', 'approver', 'data-owner', 'auditor', 'admin'] },
    platformRoles: ['auditor', 'admin'],
  });
}

/** Identity without tables: the real decisions about the callers that a test makes. */
export function decidingIdentity(options: { readonly isProduction?: boolean } = {}): Identity {
  const circumstances = { isProduction: options.isProduction ?? false };
  const nobody = async (): Promise<Actor> =>
    await Promise.reject(new MusterError('token_invalid', 'the token is unknown here'));
  return {
    authenticate: nobody,
    actorById: nobody,
    authorize(caller, action, resource) {
      const decision = decide(caller.actor, action, resource, circumstances);
      if (decision.allow) return;
      if (!decision.visible && resource.missing !== undefined) throw resource.missing();
      throw new MusterError('not_allowed', `${action} on ${resource.kind} ${resource.id} is not yours`);
    },
    may: (caller, action, resource) => decide(caller.actor, action, resource, circumstances).allow,
    scope(caller, action) {
      if (caller.actor.token?.actions?.includes(action) === false)
        throw new MusterError('not_allowed', `the token is not for ${action}`);
      return scopeOf(caller.actor, action, circumstances);
    },
    seesEverything(caller) {
      const { reach, within } = scopeOf(caller.actor, 'version.read', circumstances);
      return reach.teams === '*' && within === undefined;
    },
    countPersonsWithTokens: async () => await Promise.resolve(1),
    grants: async () => await Promise.resolve({ tokens: [], limits: [] }),
    epoch: async () => await Promise.resolve(1),
    accessChanged: async () => await Promise.resolve(),
    onChange: () => () => undefined,
    takeReport: () => undefined,
    namesOf: async () => await Promise.resolve(new Map()),
    actorId: async (reference) => await Promise.resolve(reference),
    ownerId: async (reference) => await Promise.resolve(reference),
    endpointEnded: async () => await Promise.resolve(),
  };
}
