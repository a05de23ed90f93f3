import type { IdentityRouteName } from '@muster-ml/protocol';
import type { RouteHandlers } from '../platform/http/index.ts';
import { type EndpointPort, endAccess, listAccess, setAccess } from './access-rules.ts';
import type { Caller } from './actor.ts';
import { createActor, getActor, listActors, updateActor } from './actors.ts';
import { type ResourcePorts, explainAccess } from './explain-access.ts';
import type { IdentityRoom } from './identity.ts';
import { grantPlatformRole, grantRole, revokePlatformRole, revokeRole } from './set-role.ts';
import { createTeam, getTeam, listMembers, listTeams, updateTeam } from './teams.ts';
import { createToken, listTokens, reportToken, revokeToken } from './tokens.ts';
import { whoami } from './whoami.ts';

/** What identity asks of the rooms above it. */
export interface IdentityPorts {
  readonly endpoints: EndpointPort;
  readonly resources: ResourcePorts;
}

/** Routes of actors, teams, roles, tokens and access. */
export function identityRoutes(room: IdentityRoom, ports: IdentityPorts): RouteHandlers<IdentityRouteName, Caller> {
  return {
    whoami: async ({ caller }) => await Promise.resolve(whoami(room, caller)),

    actorList: async ({ caller, query }) => mutable(await listActors(room, caller, query)),
    actorCreate: async ({ caller, body }) => await createActor(room, caller, body),
    actorGet: async ({ caller, params }) => await getActor(room, caller, params.actor),
    actorUpdate: async ({ caller, params, body }) => await updateActor(room, caller, params.actor, body),
    platformRoleGrant: async ({ caller, params }) => await grantPlatformRole(room, caller, params),
    platformRoleRevoke: async ({ caller, params }) => await revokePlatformRole(room, caller, params),

    teamList: async ({ caller, query }) => mutable(await listTeams(room, caller, query)),
    teamCreate: async ({ caller, body }) => await createTeam(room, caller, body),
    teamGet: async ({ caller, params }) => await getTeam(room, caller, params.team),
    teamUpdate: async ({ caller, params, body }) => await updateTeam(room, caller, params.team, body),
    memberList: async ({ caller, params, query }) => mutable(await listMembers(room, caller, params.team, query)),
    roleGrant: async ({ caller, params }) => await grantRole(room, caller, params),
    roleRevoke: async ({ caller, params }) => await revokeRole(room, caller, params),

    tokenList: async ({ caller, query }) => mutable(await listTokens(room, caller, query)),
    tokenCreate: async ({ caller, body }) => await createToken(room, caller, body),
    tokenRevoke: async ({ caller, params }) => {
      await revokeToken(room, caller, params.token);
      return undefined;
    },
    tokenReport: async ({ caller, body }) => await reportToken(room, caller, body.token),

    accessExplain: async ({ caller, query }) => await explainAccess(room, ports.resources, caller, query),
    accessList: async ({ caller, params, query }) =>
      mutable(await listAccess(room, ports.endpoints, caller, params.endpoint, query)),
    accessSet: async ({ caller, params, body }) => await setAccess(room, ports.endpoints, caller, params, body),
    accessEnd: async ({ caller, params }) => {
      await endAccess(room, ports.endpoints, caller, params);
      return undefined;
    },
  };
}

/** A page as the route's schema wants it. */
function mutable<T>(page: { readonly items: readonly T[]; readonly next?: string | undefined }): {
  items: T[];
  next?: string | undefined;
} {
  return { ...page, items: [...page.items] };
}
