import { type Action, type Role, platformRoles, roles, foldName } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { Database, Tx } from '../platform/database/index.ts';
import type { Actor, TokenLimits } from './actor.ts';
import { knownPlatformRoles, knownRoles } from './decide.ts';
import type { IdentityTables } from './tables.ts';

/** An actor with the rights held now, without a token. */
export type KnownActor = Omit<Actor, 'token'> & { readonly isDisabled: boolean };

export interface NewAdmin {
  readonly installation: string;
  readonly actor: string;
  readonly actorName: string;
  readonly team: string;
  readonly now: number;
}

export interface NewToken {
  readonly id: string;
  readonly digest: string;
  readonly actor: string;
  readonly kind: 'personal' | 'service' | 'endpoint';
  readonly note: string;
  readonly last4: string;
  readonly actions: readonly Action[] | null;
  readonly resources: readonly string[] | null;
  readonly expiresAt: number | null;
  readonly createdBy: string | null;
  readonly now: number;
}

/** Who there is and what they may, as authentication needs it; what is listed and changed is in the stores beside. */
export interface IdentityStore {
  installationId(): Promise<string | undefined>;
  /** The first rows: installation, team and the admin, who holds every role in it. */
  createFirstAdmin(tx: Tx, admin: NewAdmin): Promise<void>;
  addToken(tx: Tx, token: NewToken): Promise<void>;
  /** The oldest person who is admin of the installation. */
  firstAdmin(): Promise<string | undefined>;
  actorById(id: string, now: number): Promise<KnownActor | undefined>;
  /** The token that is not revoked, and its actor. */
  tokenByDigest(
    digest: string,
    now: number,
  ): Promise<{ readonly token: TokenLimits; readonly actor: KnownActor } | undefined>;
  countPersonsWithTokens(now: number): Promise<number>;
  epoch(): Promise<number>;
  /** Everything that anybody may do has changed: gateways and other controls look again. */
  bumpEpoch(tx: Tx): Promise<void>;
  /** Notes when tokens were used; never goes back. */
  touchTokens(tx: Tx, used: readonly { readonly token: string; readonly at: number }[]): Promise<void>;
  /** Drops the access rules of an endpoint. */
  dropAccess(tx: Tx, endpoint: string): Promise<void>;
  namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Ids and names are both taken; an id wins. */
  findActor(
    reference: string,
  ): Promise<{ readonly id: string; readonly kind: 'person' | 'service'; readonly isDisabled: boolean } | undefined>;
}

export function createIdentityStore(database: Database): IdentityStore {
  const reader = database.reader.withTables<IdentityTables>();
  return {
    async installationId() {
      return (await reader.selectFrom('installation').select('id').executeTakeFirst())?.id;
    },

    async createFirstAdmin(plain, admin) {
      const tx = plain.withTables<IdentityTables>();
      const created_at = admin.now;
      await tx.insertInto('installation').values({ id: admin.installation, created_at }).execute();
      await tx.insertInto('team').values({ name: admin.team, description: '', created_at }).execute();
      await tx
        .insertInto('actor')
        .values({
          id: admin.actor,
          kind: 'person',
          name: admin.actorName,
          folded_name: foldName(admin.actorName),
          team: null,
          disabled_at: null,
          created_at,
        })
        .execute();
      const held = { actor: admin.actor, source: 'first start', created_at };
      await tx
        .insertInto('membership')
        .values(roles.map((role) => ({ ...held, team: admin.team, role })))
        .execute();
      await tx
        .insertInto('platform_role')
        .values(platformRoles.map((role) => ({ ...held, role })))
        .execute();
    },

    async addToken(plain, { now, expiresAt, createdBy, actions, resources, ...token }) {
      await plain
        .withTables<IdentityTables>()
        .insertInto('token')
        .values({
          ...token,
          actions: actions === null ? null : JSON.stringify(actions),
          resources: resources === null ? null : JSON.stringify(resources),
          created_at: now,
          created_by: createdBy,
          expires_at: expiresAt,
          revoked_at: null,
          last_used_at: null,
        })
        .execute();
    },

    async firstAdmin() {
      const row = await reader
        .selectFrom('platform_role')
        .innerJoin('actor', 'actor.id', 'platform_role.actor')
        .select('actor.id')
        .where('platform_role.role', '=', 'admin')
        .where('actor.disabled_at', 'is', null)
        .orderBy('actor.created_at')
        .executeTakeFirst();
      return row?.id;
    },

    actorById: async (id, now) => await loadActor(reader, id, now),

    async tokenByDigest(digest, now) {
      const row = await reader
        .selectFrom('token')
        .select(['id', 'actor', 'actions', 'resources', 'expires_at'])
        .where('digest', '=', digest)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const actor = await loadActor(reader, row.actor, now);
      return actor === undefined ? undefined : { token: limitsOf(row), actor };
    },

    async countPersonsWithTokens(now) {
      const row = await reader
        .selectFrom('token')
        .innerJoin('actor', 'actor.id', 'token.actor')
        .select(({ fn }) => fn.count<number>('actor.id').distinct().as('count'))
        .where('actor.kind', '=', 'person')
        .where('actor.disabled_at', 'is', null)
        .where('token.revoked_at', 'is', null)
        .where((where) => where.or([where('token.expires_at', 'is', null), where('token.expires_at', '>', now)]))
        .executeTakeFirstOrThrow();
      return row.count;
    },

    async epoch() {
      return (await reader.selectFrom('authz_clock').select('epoch').executeTakeFirstOrThrow()).epoch;
    },

    async bumpEpoch(plain) {
      await plain
        .withTables<IdentityTables>()
        .updateTable('authz_clock')
        .set(({ eb }) => ({ epoch: eb('epoch', '+', 1) }))
        .execute();
    },

    async touchTokens(plain, used) {
      const tx = plain.withTables<IdentityTables>();
      for (const { token, at } of used)
        await tx
          .updateTable('token')
          .set({ last_used_at: at })
          .where('id', '=', token)
          .where((where) => where.or([where('last_used_at', 'is', null), where('last_used_at', '<', at)]))
          .execute();
    },

    async dropAccess(plain, endpoint) {
      await plain.withTables<IdentityTables>().deleteFrom('endpoint_access').where('endpoint', '=', endpoint).execute();
    },

    async namesOf(ids) {
      if (ids.length === 0) return new Map();
      const rows = await reader.selectFrom('actor').select(['id', 'name']).where('id', 'in', ids).execute();
      return new Map(rows.map((row) => [row.id, row.name]));
    },

    async findActor(reference) {
      const row = await reader
        .selectFrom('actor')
        .select(['id', 'kind', 'disabled_at'])
        .where((where) => where.or([where('id', '=', reference), where('folded_name', '=', foldName(reference))]))
        .orderBy(({ eb }) => eb('id', '=', reference), 'desc')
        .executeTakeFirst();
      return row === undefined ? undefined : { id: row.id, kind: row.kind, isDisabled: row.disabled_at !== null };
    },
  };
}

/** Limits of a token as its row keeps them. */
export function limitsOf(row: {
  readonly id: string;
  readonly expires_at: number | null;
  readonly actions: string | null;
  readonly resources: string | null;
}): TokenLimits {
  return {
    id: row.id,
    expiresAt: row.expires_at,
    actions: row.actions === null ? null : (JSON.parse(row.actions) as Action[]),
    resources: row.resources === null ? null : (JSON.parse(row.resources) as string[]),
  };
}

async function loadActor(db: Kysely<IdentityTables>, id: string, now: number): Promise<KnownActor | undefined> {
  const actor = await db
    .selectFrom('actor')
    .select(['id', 'kind', 'name', 'disabled_at'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (actor === undefined) return undefined;
  const memberships = await db.selectFrom('membership').select(['team', 'role']).where('actor', '=', id).execute();
  const platform = await db.selectFrom('platform_role').select('role').where('actor', '=', id).execute();
  const held: Record<string, string[]> = {};
  for (const { team, role } of memberships) (held[team] ??= []).push(role);
  const teams: Record<string, readonly Role[]> = {};
  for (const [team, names] of Object.entries(held)) teams[team] = knownRoles(names);
  return {
    id,
    kind: actor.kind,
    name: actor.name,
    teams,
    platformRoles: knownPlatformRoles(platform.map(({ role }) => role)),
    granted: await grantedEndpoints(db, id, Object.keys(teams), now),
    isDisabled: actor.disabled_at !== null,
  };
}

/** Endpoints that access rules which still hold let an actor call. */
async function grantedEndpoints(
  db: Kysely<IdentityTables>,
  actor: string,
  teams: readonly string[],
  now: number,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('endpoint_access')
    .select('endpoint')
    .distinct()
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .where((where) =>
      where.or([
        where.and([where('subject_kind', '=', 'actor'), where('subject', '=', actor)]),
        ...(teams.length === 0 ? [] : [where.and([where('subject_kind', '=', 'team'), where('subject', 'in', teams)])]),
      ]),
    )
    .orderBy('endpoint')
    .execute();
  return rows.map((row) => row.endpoint);
}
