import type { Kysely } from 'kysely';
import type { Database } from '../platform/database/index.ts';
import type { Actor, CallLimit, GatewayGrants, Reach, TokenGrant } from './actor.ts';
import { type Circumstances, knownPlatformRoles, knownRoles, scopeOf } from './decide.ts';
import { limitsOf } from './store.ts';
import type { IdentityTables } from './tables.ts';

/**
 * Everything that gateways decide by, of all tokens that are neither revoked nor expired nor of a disabled actor. Access
 * rules of an endpoint that is held back, by name with its team, show it to everybody whom they name, and let nobody call
 * it who holds no role in that team.
 */
export async function readGatewayGrants(
  database: Database,
  circumstances: Circumstances,
  now: number,
  heldBack: ReadonlyMap<string, string> = new Map(),
): Promise<GatewayGrants> {
  const db = database.reader.withTables<IdentityTables>();
  const rows = await db
    .selectFrom('token')
    .innerJoin('actor', 'actor.id', 'token.actor')
    .select(['token.id', 'digest', 'actor', 'actor.kind', 'actor.name', 'expires_at', 'actions', 'resources'])
    .where('revoked_at', 'is', null)
    .where('actor.disabled_at', 'is', null)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .orderBy('token.id')
    .execute();
  const rights = await allRights(db, now);
  const tokens = rows.map((row): TokenGrant => {
    const token = limitsOf(row);
    const actor: Actor = { id: row.actor, kind: row.kind, name: row.name, ...rights.of(row.actor), token };
    const named = scopeOf(actor, 'endpoint.predict', circumstances).reach;
    const read = scopeOf({ ...actor, token: { ...token, actions: null } }, 'endpoint.read', circumstances);
    // A token that may call but not read reads what it calls; one that may do neither has nothing to look for here.
    const mayRead = token.actions === null || token.actions.includes('endpoint.read');
    return {
      digest: row.digest,
      tokenId: token.id,
      actor: actor.id,
      expiresAt: token.expiresAt,
      see: mayRead ? read.reach : named,
      predict: withoutHeldBack(named, actor, heldBack),
      ...(read.within === undefined ? {} : { within: read.within }),
    };
  });
  return { tokens, limits: rights.limits };
}

function withoutHeldBack(reach: Reach, { teams }: Actor, heldBack: ReadonlyMap<string, string>): Reach {
  const isOpen = (endpoint: string): boolean => {
    const team = heldBack.get(endpoint);
    return team === undefined || (teams[team] ?? []).length > 0;
  };
  return heldBack.size === 0 ? reach : { ...reach, endpoints: reach.endpoints.filter(isOpen) };
}

/** Roles and access rules of everybody, in three queries however many there are. */
async function allRights(db: Kysely<IdentityTables>, now: number) {
  const memberships = await db.selectFrom('membership').select(['actor', 'team', 'role']).execute();
  const platform = await db.selectFrom('platform_role').select(['actor', 'role']).execute();
  const rules = await db
    .selectFrom('endpoint_access')
    .selectAll()
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .orderBy('endpoint')
    .execute();

  const teamsOf = new Map<string, Map<string, string[]>>();
  const membersOf = new Map<string, Set<string>>();
  for (const { actor, team, role } of memberships) {
    const teams = getOrMake(teamsOf, actor, () => new Map<string, string[]>());
    getOrMake(teams, team, (): string[] => []).push(role);
    getOrMake(membersOf, team, () => new Set<string>()).add(actor);
  }
  const platformOf = new Map<string, string[]>();
  for (const { actor, role } of platform) getOrMake(platformOf, actor, (): string[] => []).push(role);
  const grantedOf = new Map<string, Set<string>>();
  const limits = new Map<string, CallLimit>();
  for (const rule of rules) {
    const actors = rule.subject_kind === 'actor' ? [rule.subject] : [...(membersOf.get(rule.subject) ?? [])];
    for (const actor of actors) {
      getOrMake(grantedOf, actor, () => new Set<string>()).add(rule.endpoint);
      if (rule.rate_per_second === null && rule.requests_per_day === null) continue;
      const key = `${rule.endpoint}\n${actor}`;
      limits.set(key, stricter(limits.get(key), rule, actor));
    }
  }
  return {
    of: (actor: string): Pick<Actor, 'teams' | 'platformRoles' | 'granted'> => ({
      teams: Object.fromEntries([...(teamsOf.get(actor) ?? [])].map(([team, roles]) => [team, knownRoles(roles)])),
      platformRoles: knownPlatformRoles(platformOf.get(actor) ?? []),
      granted: [...(grantedOf.get(actor) ?? [])],
    }),
    limits: [...limits.values()],
  };
}

/** Where several rules name an actor, the least of each limit holds. */
function stricter(
  known: CallLimit | undefined,
  rule: Pick<IdentityTables['endpoint_access'], 'endpoint' | 'rate_per_second' | 'requests_per_day'>,
  actor: string,
): CallLimit {
  const least = (a: number | null | undefined, b: number | null): number | null =>
    a === null || a === undefined ? b : b === null ? a : Math.min(a, b);
  return {
    endpoint: rule.endpoint,
    actor,
    ratePerSecond: least(known?.ratePerSecond, rule.rate_per_second),
    requestsPerDay: least(known?.requestsPerDay, rule.requests_per_day),
  };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
