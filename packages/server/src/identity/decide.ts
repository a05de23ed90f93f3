import {
  type Action,
  type Condition,
  type Role,
  conditions,
  permissionOf,
  platformRoles,
  readActions,
  roles,
} from '@muster-ml/protocol';
import type { Actor, Reach, Resource, Scope } from './actor.ts';

/** What the decision knows of the installation besides actor and resource. */
export interface Circumstances {
  /** Whether this installation is `prod`. */
  readonly isProduction: boolean;
}

export interface Decision {
  readonly allow: boolean;
  /** Whether the resource exists for the actor. */
  readonly visible: boolean;
  /** Whether it is the token that takes it away, not the roles. */
  readonly isTokenLimit?: boolean;
  /** The rules that were looked at, the deciding one first. */
  readonly reasons: readonly string[];
}

/**
 * Whether an actor may do something with a resource. Pure. Denied unless a line of the matrix allows it: one that everyone
 * holds, a role for the whole installation, a role in the resource's team, or an access rule of the endpoint. A token only
 * takes away.
 */
export function decide(actor: Actor, action: Action, resource: Resource, circumstances: Circumstances): Decision {
  const outside = outsideToken(actor, resource);
  if (outside !== undefined && action !== 'self.read')
    return { allow: false, visible: false, isTokenLimit: true, reasons: [outside] };
  const seen = findRule(actor, readActions[resource.kind], resource, circumstances).holder !== undefined;
  const rule = findRule(actor, action, resource, circumstances);
  const visible = seen || rule.holder !== undefined;
  const limit = actor.token?.actions;
  if (limit !== undefined && limit !== null && !limit.includes(action) && action !== 'self.read') {
    const reasons = [`the token is limited to ${limit.join(', ')}`, ...rule.reasons];
    return { allow: false, visible, isTokenLimit: true, reasons };
  }
  return { allow: rule.holder !== undefined, visible, reasons: rule.reasons };
}

interface Rule {
  /** What of the actor holds the action here; undefined where nothing does. */
  readonly holder: string | undefined;
  readonly reasons: readonly string[];
}

function findRule(actor: Actor, action: Action, resource: Resource, circumstances: Circumstances): Rule {
  const failed: string[] = [];
  for (const [holder, held] of holdersOf(actor, resource)) {
    const needed = permissionOf(holder, action);
    if (needed === undefined) continue;
    const broken = needed.find((condition) => !holds(condition, actor, resource, circumstances));
    if (broken === undefined) return { holder: held, reasons: [`${held} holds ${action}${underWhich(needed)}`] };
    failed.push(`${held} holds ${action} only if ${conditions[broken]}`);
  }
  return {
    holder: undefined,
    reasons: failed.length > 0 ? failed : [`nothing that the actor holds here has ${action}`],
  };
}

/** What of the actor counts for this resource: lines of the matrix, with words for people. */
function* holdersOf(actor: Actor, resource: Resource): Generator<['everyone' | 'granted' | Role, string]> {
  yield ['everyone', 'everyone'];
  for (const role of actor.platformRoles) yield [role, `the role ${role} of the installation`];
  const { team } = resource;
  if (typeof team === 'string') {
    for (const role of actor.teams[team] ?? []) yield [role, `the role ${role} in ${team}`];
  } else if (team !== undefined) {
    for (const [name, held] of Object.entries(actor.teams))
      for (const role of held) yield [role, `the role ${role} in ${name}`];
  }
  const endpoint = resource.kind === 'endpoint' ? resource.id : undefined;
  if (endpoint !== undefined && actor.granted.includes(endpoint)) yield ['granted', `an access rule of ${endpoint}`];
}

function underWhich(needed: readonly Condition[]): string {
  return needed.length === 0 ? '' : `, since ${needed.map((condition) => conditions[condition]).join(' and ')}`;
}

/** Whether a condition holds; pure, and each tested by itself. */
export function holds(condition: Condition, actor: Actor, resource: Resource, circumstances: Circumstances): boolean {
  switch (condition) {
    case 'own':
      return resource.owner === actor.id;
    case 'sandbox':
      return !circumstances.isProduction;
    case 'notSelf':
      return resource.owner !== actor.id || resource.isOnlyAdmin === true;
    case 'notAuthor':
      return !(resource.authors ?? []).includes(actor.id);
    case 'notRequester':
      return !(resource.requesters ?? []).includes(actor.id);
    case 'person':
      return actor.kind === 'person';
  }
}

/** Why a limited token does not reach the resource; undefined where it does. */
function outsideToken(actor: Actor, resource: Resource): string | undefined {
  const limit = actor.token?.resources;
  if (limit === undefined || limit === null) return undefined;
  const endpoint = resource.kind === 'endpoint' ? resource.id : resource.endpoint;
  if (endpoint !== undefined && limit.includes(`endpoint/${endpoint}`)) return undefined;
  if (typeof resource.team === 'string' && limit.includes(`team/${resource.team}`)) return undefined;
  // An upload belongs to no team; what it becomes is decided where it is registered.
  if (resource.kind === 'upload') return undefined;
  return `the token is limited to ${limit.join(', ')}`;
}

/** The rows on which `decide` allows the action, from the same matrix: what lists select by. */
export function scopeOf(actor: Actor, action: Action, circumstances: Circumstances): Scope {
  const nothing: Scope = { reach: { teams: [], endpoints: [] }, owner: undefined, within: undefined };
  const limit = actor.token;
  if (limit?.actions?.includes(action) === false) return nothing;
  const holdsAnywhere = (holder: 'everyone' | 'granted' | Role): boolean =>
    permissionOf(holder, action)?.every(
      (condition) => condition !== 'own' && holds(condition, actor, { kind: 'installation', id: '' }, circumstances),
    ) === true;
  const ownsUnder = (holder: 'everyone' | 'granted' | Role): boolean =>
    permissionOf(holder, action)?.includes('own') === true;
  const everywhere = holdsAnywhere('everyone') || actor.platformRoles.some((role) => holdsAnywhere(role));
  const teams = everywhere
    ? '*'
    : Object.keys(actor.teams)
        .filter((team) => (actor.teams[team] ?? []).some((role) => holdsAnywhere(role)))
        .toSorted();
  return {
    reach: { teams, endpoints: holdsAnywhere('granted') ? actor.granted : [] },
    owner: ownsUnder('everyone') ? actor.id : undefined,
    within: limit?.resources === undefined || limit.resources === null ? undefined : reachOf(limit.resources),
  };
}

/** `team/NAME` and `endpoint/NAME` by kind. */
function reachOf(resources: readonly string[]): Reach {
  const named = (kind: string): string[] =>
    resources.flatMap((resource) => (resource.startsWith(`${kind}/`) ? [resource.slice(kind.length + 1)] : []));
  return { teams: named('team'), endpoints: named('endpoint') };
}

/** Roles in the order of the matrix, without those that are not known, as an old row may hold. */
export function knownRoles(held: readonly string[]): Role[] {
  return roles.filter((role) => held.includes(role));
}

export function knownPlatformRoles(held: readonly string[]): (typeof platformRoles)[number][] {
  return platformRoles.filter((role) => held.includes(role));
}
