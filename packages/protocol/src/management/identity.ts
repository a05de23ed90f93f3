import { z } from 'zod';
import { actions } from './actions.ts';
import { slugSchema, timeSchema } from './names.ts';
import { pageQuerySchema } from './pages.ts';
import { platformRoles, readActions, roles } from './permissions.ts';

/** Names of people and service accounts: short, one line, unique without regard to case. */
export const actorNameSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N}._@+ -]*$/u,
    'may hold letters, digits, spaces and . _ @ + -, and begins with a letter or digit',
  )
  .refine((name) => name.trim() === name, 'may not end with a space')
  .describe('The name of a person or a service account, such as `ana` or `ci-deployer`');

/** An actor in a path: the id, or the name. */
export const actorReferenceSchema = z.string().min(1).max(100).describe('Id or name of an actor');

export const teamRoleSchema = z.enum(roles);
export const platformRoleSchema = z.enum(platformRoles);

/** Where a role comes from; sources add up, and each is taken back by itself. */
export const roleSourceSchema = z.enum(['local', 'spec', 'directory', 'first start']);

const heldRoleSchema = z.object({ role: teamRoleSchema, sources: z.array(roleSourceSchema) });

export const actorSchema = z.object({
  id: z.string(),
  kind: z.enum(['person', 'service']),
  name: z.string(),
  /** Roles by team, as far as the caller may see the team. */
  teams: z.record(z.string(), z.array(teamRoleSchema)),
  platformRoles: z.array(platformRoleSchema),
});

/** Who the token belongs to, and what the token itself is limited to. */
export const whoamiSchema = actorSchema.extend({
  token: z
    .object({
      id: z.string(),
      expiresAt: timeSchema.nullable(),
      actions: z.array(z.enum(actions)).nullable(),
      resources: z.array(z.string()).nullable(),
    })
    .nullable(),
});

export const actorDetailSchema = actorSchema.extend({
  /** A service account belongs to a team. */
  team: z.string().nullable(),
  disabled: z.boolean(),
  createdAt: timeSchema,
});

export type ActorDetail = z.infer<typeof actorDetailSchema>;

export const createActorSchema = z.strictObject({
  name: actorNameSchema,
  kind: z.enum(['person', 'service']).default('person'),
  team: slugSchema.optional().describe('The team that a service account belongs to; service accounts need one'),
});

export const updateActorSchema = z.strictObject({
  name: actorNameSchema.optional(),
  disabled: z.boolean().optional().describe('A disabled actor’s tokens do nothing'),
});

export const teamSchema = z.object({
  name: z.string(),
  description: z.string(),
  members: z.number().int(),
  createdAt: timeSchema,
});

export type Team = z.infer<typeof teamSchema>;

export const createTeamSchema = z.strictObject({
  name: slugSchema,
  description: z.string().max(2000).default(''),
});

export const updateTeamSchema = z.strictObject({ description: z.string().max(2000) });

export const memberSchema = z.object({
  actor: z.string(),
  name: z.string(),
  kind: z.enum(['person', 'service']),
  roles: z.array(heldRoleSchema),
});

export type Member = z.infer<typeof memberSchema>;

/** A part of the installation that a token may be limited to: `team/NAME` or `endpoint/NAME`. */
export const tokenResourceSchema = z
  .string()
  .max(70)
  .regex(/^(team|endpoint)\/[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must look like team/NAME or endpoint/NAME');

export const tokenSchema = z.object({
  id: z.string(),
  actor: z.string(),
  actorName: z.string(),
  kind: z.enum(['personal', 'service', 'endpoint']),
  note: z.string(),
  last4: z.string(),
  /** Null: whatever its owner may. */
  actions: z.array(z.enum(actions)).nullable(),
  resources: z.array(z.string()).nullable(),
  state: z.enum(['live', 'expired', 'revoked']),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  lastUsedAt: timeSchema.nullable(),
});

export type Token = z.infer<typeof tokenSchema>;

export const createTokenSchema = z.strictObject({
  actor: actorReferenceSchema.optional().describe('Whose token it is: yourself, or a service account'),
  note: z.string().max(200).default(''),
  expiresInDays: z.number().int().min(1).max(365).default(90),
  actions: z.array(z.enum(actions)).min(1).max(actions.length).optional().describe('Only these actions'),
  resources: z.array(tokenResourceSchema).min(1).max(100).optional().describe('Only within these'),
});

/** The only answer that ever holds a token. */
export const createdTokenSchema = tokenSchema.extend({ token: z.string() });

export const reportTokenSchema = z.strictObject({ token: z.string().min(1).max(200) });
export const reportedTokenSchema = z.object({ revoked: z.boolean() });

export const tokenListQuerySchema = pageQuerySchema.extend({ actor: actorReferenceSchema.optional() });

export const explainQuerySchema = z.strictObject({
  actor: actorReferenceSchema,
  action: z.enum(actions),
  resource: z
    .string()
    .max(320)
    .regex(
      new RegExp(`^(${Object.keys(readActions).join('|')})(/.+)?$`),
      'must look like endpoint/NAME or installation',
    ),
});

export const explanationSchema = z.object({
  actor: z.string(),
  action: z.enum(actions),
  resource: z.string(),
  allow: z.boolean(),
  /** Whether the resource exists for the actor. */
  visible: z.boolean(),
  /** The rules that were looked at, the deciding one first. */
  reasons: z.array(z.string()),
});

export type Explanation = z.infer<typeof explanationSchema>;

/** Who may call an endpoint besides the roles of its team. */
export const accessRuleSchema = z.object({
  subjectKind: z.enum(['actor', 'team']),
  subject: z.string(),
  subjectName: z.string(),
  /** Most requests in a second of one actor on one gateway; null: no limit. */
  ratePerSecond: z.number().nullable(),
  /** Most requests of one actor in a day (UTC); null: no limit. */
  requestsPerDay: z.number().int().nullable(),
  expiresAt: timeSchema.nullable(),
  createdAt: timeSchema,
  createdBy: z.string(),
});

export type AccessRule = z.infer<typeof accessRuleSchema>;

export const setAccessSchema = z.strictObject({
  ratePerSecond: z.number().min(0.01).max(1_000_000).nullable().default(null),
  requestsPerDay: z.number().int().min(1).max(1_000_000_000).nullable().default(null),
  expiresInDays: z.number().int().min(1).max(3650).nullable().default(null),
});
