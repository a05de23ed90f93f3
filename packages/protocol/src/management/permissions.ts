import type { Action } from './actions.ts';

/** Roles, each held in a team; `platformRoles` may also be held for the whole installation. They add up. */
export const roles = ['viewer', 'data-scientist', 'operator', 'approver', 'data-owner', 'auditor', 'admin'] as const;

export type Role = (typeof roles)[number];

/** Roles that may be held for the whole installation: in every team, and for what belongs to none. */
export const platformRoles = ['auditor', 'admin'] as const satisfies readonly Role[];

export type PlatformRole = (typeof platformRoles)[number];

/**
 * What must hold besides a role, each a pure predicate of who asks and what is asked for. Conditions of one permission
 * all have to hold.
 */
export const conditions = {
  own: 'it is the actor’s own',
  sandbox: 'the installation is not `prod`',
  notSelf: 'it is about somebody else (an installation with one admin only is excepted)',
  notAuthor: 'the actor, or a service account of theirs, is not its author',
  notRequester: 'the actor, or a service account of theirs, did not ask for it',
  person: 'the actor is a person: service accounts never approve',
} as const;

export type Condition = keyof typeof conditions;

/** An action that is held, with the conditions under which it is. */
export type Permissions = Readonly<Partial<Record<Action, readonly Condition[]>>>;

const always: readonly Condition[] = [];
const own: readonly Condition[] = ['own'];
const sandbox: readonly Condition[] = ['sandbox'];

/** What every role of a team sees of it. */
const reads = {
  'team.read': always,
  'operation.read': always,
  'history.read': always,
  'model.read': always,
  'version.read': always,
  'endpoint.read': always,
  'secret.read': always,
  'usecase.read': always,
  'readiness.read': always,
  'insights.read': always,
  'notification.read': always,
} as const satisfies Permissions;

/**
 * Who holds which action: the one source of decisions, of the SQL of lists, of the gateway's table and of
 * docs/reference/permissions.md. What is not here is denied.
 *
 * `everyone`: each actor that is signed in. `granted`: whom an access rule of an endpoint names, for that endpoint. The
 * roles: in the team that a resource belongs to; a platform role in every team, and for what belongs to no team.
 */
export const matrix = {
  everyone: {
    'self.read': always,
    'installation.read': always,
    'operation.read': own,
    'operation.cancel': own,
    'actor.read': own,
    'token.read': own,
    'token.create': own,
    'token.revoke': own,
    'token.report': always,
    'access.explain': own,
    'audit.read': own,
  },
  granted: {
    'endpoint.read': always,
    'endpoint.predict': always,
  },
  viewer: reads,
  'data-scientist': {
    ...reads,
    'upload.create': always,
    'model.create': always,
    'version.register': always,
    'alias.set': sandbox,
    'endpoint.deploy': sandbox,
    'endpoint.update': sandbox,
    'endpoint.promote': sandbox,
    'endpoint.rollback': sandbox,
    'endpoint.delete': sandbox,
    'endpoint.predict': sandbox,
    'endpoint.score': sandbox,
    'endpoint.logs': always,
    'endpoint.callers': always,
    'access.read': always,
    'score.read': sandbox,
    'score.delete': ['own', 'sandbox'],
    'secret.use': sandbox,
    'usecase.propose': always,
    'usecase.update': always,
    'usecase.review': always,
    'readiness.submit': always,
    'evidence.attest': ['person'],
    'waiver.request': always,
    'drill.run': sandbox,
    'endpoint.observe': always,
    'endpoint.report': always,
  },
  operator: {
    ...reads,
    'upload.create': always,
    'operation.cancel': always,
    'alias.set': always,
    'endpoint.deploy': always,
    'endpoint.update': always,
    'endpoint.promote': always,
    'endpoint.rollback': always,
    'endpoint.delete': always,
    'endpoint.predict': always,
    'endpoint.score': always,
    'endpoint.logs': always,
    'endpoint.callers': always,
    'access.read': always,
    'access.set': always,
    'score.read': always,
    'score.delete': always,
    'secret.set': always,
    'secret.use': always,
    'secret.delete': always,
    'audit.read': always,
    'usecase.propose': always,
    'usecase.update': always,
    'readiness.submit': always,
    'evidence.attest': ['person'],
    'waiver.request': always,
    'waiver.revoke': always,
    'drill.run': always,
    'endpoint.observe': always,
    'endpoint.report': always,
  },
  approver: {
    ...reads,
    'usecase.decide': ['person', 'notRequester'],
    'usecase.retire': ['person'],
    'readiness.approve': ['person', 'notAuthor', 'notRequester'],
    'waiver.decide': ['person', 'notRequester'],
    'waiver.revoke': ['person'],
    'endpoint.logs': always,
    'endpoint.callers': always,
    'endpoint.rollback': ['person'],
    'access.read': always,
    'audit.read': always,
  },
  'data-owner': {
    ...reads,
    'access.read': always,
  },
  auditor: {
    ...reads,
    'actor.read': always,
    'token.read': always,
    'access.read': always,
    'access.explain': always,
    'endpoint.logs': always,
    'endpoint.callers': always,
    'audit.read': always,
    'audit.verify': always,
    'audit.checkpoint': always,
    'audit.export': always,
  },
  admin: {
    ...reads,
    'operation.cancel': always,
    'actor.read': always,
    'actor.create': always,
    'actor.update': always,
    'team.create': always,
    'team.update': always,
    'role.set': ['notSelf'],
    'token.read': always,
    'token.create': always,
    'token.revoke': always,
    'access.read': always,
    'access.set': always,
    'access.explain': always,
    'endpoint.logs': always,
    'endpoint.callers': always,
    'endpoint.delete': always,
    'secret.delete': always,
    'secret.rotate': always,
    'audit.verify': always,
    'audit.checkpoint': always,
    'audit.rotate-key': always,
    'installation.backup': always,
    'usecase.retire': always,
    'notification.test': always,
  },
} as const satisfies Readonly<Record<'everyone' | 'granted' | Role, Permissions>>;

/** The conditions under which a holder holds an action; undefined where it does not. */
export function permissionOf(holder: keyof typeof matrix, action: Action): readonly Condition[] | undefined {
  const held: Permissions = matrix[holder];
  return held[action];
}

/** Kinds of resource that permissions are about, and the action that shows that one exists. */
export const readActions = {
  installation: 'installation.read',
  operation: 'operation.read',
  actor: 'actor.read',
  team: 'team.read',
  token: 'token.read',
  entry: 'audit.read',
  secret: 'secret.read',
  upload: 'upload.create',
  model: 'model.read',
  endpoint: 'endpoint.read',
  score: 'score.read',
  usecase: 'usecase.read',
  submission: 'readiness.read',
  notification: 'notification.read',
} as const satisfies Readonly<Record<string, Action>>;

export type ResourceKind = keyof typeof readActions;
