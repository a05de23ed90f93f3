import { z } from 'zod';
import {
  accessRuleSchema,
  actorDetailSchema,
  actorReferenceSchema,
  createActorSchema,
  createTeamSchema,
  createTokenSchema,
  createdTokenSchema,
  explainQuerySchema,
  explanationSchema,
  memberSchema,
  platformRoleSchema,
  reportTokenSchema,
  reportedTokenSchema,
  teamRoleSchema,
  setAccessSchema,
  teamSchema,
  tokenListQuerySchema,
  tokenSchema,
  updateActorSchema,
  updateTeamSchema,
  whoamiSchema,
} from '../management/identity.ts';
import { slugSchema } from '../management/names.ts';
import { pageOf, pageQuerySchema } from '../management/pages.ts';
import { route } from '../route.ts';

const actor = z.strictObject({ actor: actorReferenceSchema });
const team = z.strictObject({ team: slugSchema });
const membership = z.strictObject({ team: slugSchema, actor: actorReferenceSchema, role: teamRoleSchema });
const platformRole = z.strictObject({ actor: actorReferenceSchema, role: platformRoleSchema });
const token = z.strictObject({ token: z.string().max(100) });
const endpoint = z.strictObject({ endpoint: slugSchema });
const access = z.strictObject({
  endpoint: slugSchema,
  subjectKind: z.enum(['actor', 'team']),
  subject: actorReferenceSchema,
});

/** Routes of who asks and what they may do. */
export const identityRoutes = {
  whoami: route({
    method: 'GET',
    path: '/api/v1/whoami',
    action: 'self.read',
    summary: 'Who the token belongs to, and what it is limited to',
    answer: { status: 200, schema: whoamiSchema },
  }),

  actorList: route({
    method: 'GET',
    path: '/api/v1/actors',
    action: 'actor.read',
    summary: 'People and service accounts, by name',
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(actorDetailSchema) },
  }),
  actorCreate: route({
    method: 'POST',
    path: '/api/v1/actors',
    action: 'actor.create',
    summary: 'Adds a person or a service account',
    body: createActorSchema,
    answer: { status: 201, schema: actorDetailSchema },
  }),
  actorGet: route({
    method: 'GET',
    path: '/api/v1/actors/{actor}',
    action: 'actor.read',
    summary: 'One person or service account',
    params: actor,
    answer: { status: 200, schema: actorDetailSchema },
  }),
  actorUpdate: route({
    method: 'PATCH',
    path: '/api/v1/actors/{actor}',
    action: 'actor.update',
    summary: 'Renames, disables or enables an actor',
    params: actor,
    body: updateActorSchema,
    answer: { status: 200, schema: actorDetailSchema },
  }),
  platformRoleGrant: route({
    method: 'PUT',
    path: '/api/v1/actors/{actor}/platform-roles/{role}',
    action: 'role.set',
    summary: 'Gives a role for the whole installation',
    params: platformRole,
    answer: { status: 200, schema: actorDetailSchema },
  }),
  platformRoleRevoke: route({
    method: 'DELETE',
    path: '/api/v1/actors/{actor}/platform-roles/{role}',
    action: 'role.set',
    summary: 'Takes a role for the whole installation back',
    params: platformRole,
    answer: { status: 200, schema: actorDetailSchema },
  }),

  teamList: route({
    method: 'GET',
    path: '/api/v1/teams',
    action: 'team.read',
    summary: 'Teams, by name',
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(teamSchema) },
  }),
  teamCreate: route({
    method: 'POST',
    path: '/api/v1/teams',
    action: 'team.create',
    summary: 'Makes a team',
    body: createTeamSchema,
    answer: { status: 201, schema: teamSchema },
  }),
  teamGet: route({
    method: 'GET',
    path: '/api/v1/teams/{team}',
    action: 'team.read',
    summary: 'One team',
    params: team,
    answer: { status: 200, schema: teamSchema },
  }),
  teamUpdate: route({
    method: 'PATCH',
    path: '/api/v1/teams/{team}',
    action: 'team.update',
    summary: 'Changes the description of a team',
    params: team,
    body: updateTeamSchema,
    answer: { status: 200, schema: teamSchema },
  }),
  memberList: route({
    method: 'GET',
    path: '/api/v1/teams/{team}/members',
    action: 'team.read',
    summary: 'Who holds which role in a team, by name',
    params: team,
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(memberSchema) },
  }),
  roleGrant: route({
    method: 'PUT',
    path: '/api/v1/teams/{team}/members/{actor}/roles/{role}',
    action: 'role.set',
    summary: 'Gives a role in a team',
    params: membership,
    answer: { status: 200, schema: memberSchema },
  }),
  roleRevoke: route({
    method: 'DELETE',
    path: '/api/v1/teams/{team}/members/{actor}/roles/{role}',
    action: 'role.set',
    summary: 'Takes a role in a team back, as far as it was given by hand',
    params: membership,
    answer: { status: 200, schema: memberSchema },
  }),

  tokenList: route({
    method: 'GET',
    path: '/api/v1/tokens',
    action: 'token.read',
    summary: 'Tokens, newest first: your own, or those of an actor',
    query: tokenListQuerySchema,
    answer: { status: 200, schema: pageOf(tokenSchema) },
  }),
  tokenCreate: route({
    method: 'POST',
    path: '/api/v1/tokens',
    action: 'token.create',
    summary: 'Makes a token, which is shown this once',
    body: createTokenSchema,
    answer: { status: 201, schema: createdTokenSchema },
  }),
  tokenRevoke: route({
    method: 'DELETE',
    path: '/api/v1/tokens/{token}',
    action: 'token.revoke',
    summary: 'Ends a token at once',
    params: token,
    answer: { status: 204 },
  }),
  tokenReport: route({
    method: 'POST',
    path: '/api/v1/leaked-tokens',
    action: 'token.report',
    summary: 'Ends a token that was found where it should not be',
    body: reportTokenSchema,
    answer: { status: 200, schema: reportedTokenSchema },
  }),

  accessExplain: route({
    method: 'GET',
    path: '/api/v1/access/explain',
    action: 'access.explain',
    summary: 'Which rule decides whether an actor may do something',
    query: explainQuerySchema,
    answer: { status: 200, schema: explanationSchema },
  }),
  accessList: route({
    method: 'GET',
    path: '/api/v1/endpoints/{endpoint}/access',
    action: 'access.read',
    summary: 'Who may call an endpoint besides its team',
    params: endpoint,
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(accessRuleSchema) },
  }),
  accessSet: route({
    method: 'PUT',
    path: '/api/v1/endpoints/{endpoint}/access/{subjectKind}/{subject}',
    action: 'access.set',
    summary: 'Lets an actor or a team call an endpoint, within limits',
    params: access,
    body: setAccessSchema,
    answer: { status: 200, schema: accessRuleSchema },
  }),
  accessEnd: route({
    method: 'DELETE',
    path: '/api/v1/endpoints/{endpoint}/access/{subjectKind}/{subject}',
    action: 'access.set',
    summary: 'Ends what an access rule allowed',
    params: access,
    answer: { status: 204 },
  }),
} as const;

export type IdentityRouteName = keyof typeof identityRoutes;
