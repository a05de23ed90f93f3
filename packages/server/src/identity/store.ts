import type { Database, Tx } from '../platform/database/index.ts';
import type { TokenGrant } from './actor.ts';

/** The tables of this room, as sql/0001-foundation.sql makes them. */
export type IdentityTables = {
  installation: { id: string; created_at: number };
  team: { name: string; description?: string; created_at: number };
  actor: { id: string; kind: 'person' | 'service'; name: string; created_at: number };
  membership: { actor: string; team: string; role: string; source: string; created_at: number };
  token: {
    id: string;
    digest: string;
    actor: string;
    kind: string;
    last4: string;
    created_at: number;
    expires_at: number | null;
    revoked_at: number | null;
    last_used_at: number | null;
  };
};

/** An actor with the roles held now. */
export interface KnownActor {
  readonly kind: 'person' | 'service';
  readonly name: string;
  readonly memberships: readonly { readonly team: string; readonly role: string }[];
}

/** A live token with its actor, as authentication needs it. */
export interface KnownToken {
  readonly tokenId: string;
  readonly actor: string;
  readonly kind: 'person' | 'service';
  readonly name: string;
  readonly expiresAt: number | null;
  readonly memberships: readonly { readonly team: string; readonly role: string }[];
}

export interface NewAdmin {
  readonly installation: string;
  readonly actor: string;
  readonly actorName: string;
  readonly team: string;
  readonly token: { readonly id: string; readonly digest: string; readonly last4: string };
  readonly now: number;
}

/** Actors, teams and tokens in the database. */
export interface IdentityStore {
  installationId(): Promise<string | undefined>;
  /** The first rows: installation, team, the admin and the token. */
  createFirstAdmin(tx: Tx, admin: NewAdmin): Promise<void>;
  addToken(
    tx: Tx,
    token: {
      readonly id: string;
      readonly digest: string;
      readonly last4: string;
      readonly actor: string;
      readonly now: number;
    },
  ): Promise<void>;
  /** Any actor that is admin in a team, oldest first. */
  firstAdmin(): Promise<string | undefined>;
  actorById(id: string): Promise<KnownActor | undefined>;
  tokenByDigest(digest: string): Promise<KnownToken | undefined>;
  countPersonsWithTokens(now: number): Promise<number>;
  grants(): Promise<readonly TokenGrant[]>;
}

export function createIdentityStore(database: Database): IdentityStore {
  const reader = database.reader.withTables<IdentityTables>();
  return {
    async installationId() {
      const row = await reader.selectFrom('installation').select('id').executeTakeFirst();
      return row?.id;
    },

    async createFirstAdmin(plain, admin) {
      const tx = plain.withTables<IdentityTables>();
      await tx.insertInto('installation').values({ id: admin.installation, created_at: admin.now }).execute();
      await tx.insertInto('team').values({ name: admin.team, created_at: admin.now }).execute();
      await tx
        .insertInto('actor')
        .values({ id: admin.actor, kind: 'person', name: admin.actorName, created_at: admin.now })
        .execute();
      await tx
        .insertInto('membership')
        .values({ actor: admin.actor, team: admin.team, role: 'admin', source: 'first start', created_at: admin.now })
        .execute();
      await this.addToken(plain, { ...admin.token, actor: admin.actor, now: admin.now });
    },

    async addToken(plain, token) {
      await plain
        .withTables<IdentityTables>()
        .insertInto('token')
        .values({
          id: token.id,
          digest: token.digest,
          actor: token.actor,
          kind: 'personal',
          last4: token.last4,
          created_at: token.now,
          expires_at: null,
          revoked_at: null,
          last_used_at: null,
        })
        .execute();
    },

    async firstAdmin() {
      const row = await reader
        .selectFrom('membership')
        .innerJoin('actor', 'actor.id', 'membership.actor')
        .select('actor.id')
        .where('membership.role', '=', 'admin')
        .orderBy('actor.created_at')
        .executeTakeFirst();
      return row?.id;
    },

    async actorById(id) {
      const actor = await reader.selectFrom('actor').select(['kind', 'name']).where('id', '=', id).executeTakeFirst();
      if (actor === undefined) return undefined;
      const memberships = await reader
        .selectFrom('membership')
        .select(['team', 'role'])
        .where('actor', '=', id)
        .execute();
      return { ...actor, memberships };
    },

    async tokenByDigest(digest) {
      const token = await reader
        .selectFrom('token')
        .innerJoin('actor', 'actor.id', 'token.actor')
        .select([
          'token.id as tokenId',
          'actor.id as actor',
          'actor.kind',
          'actor.name',
          'token.expires_at as expiresAt',
        ])
        .where('token.digest', '=', digest)
        .where('token.revoked_at', 'is', null)
        .executeTakeFirst();
      if (token === undefined) return undefined;
      const memberships = await reader
        .selectFrom('membership')
        .select(['team', 'role'])
        .where('actor', '=', token.actor)
        .execute();
      return { ...token, memberships };
    },

    async countPersonsWithTokens(now) {
      const row = await reader
        .selectFrom('token')
        .innerJoin('actor', 'actor.id', 'token.actor')
        .select((select) => select.fn.count<number>('token.actor').distinct().as('count'))
        .where('actor.kind', '=', 'person')
        .where('token.revoked_at', 'is', null)
        .where((where) => where.or([where('token.expires_at', 'is', null), where('token.expires_at', '>', now)]))
        .executeTakeFirstOrThrow();
      return row.count;
    },

    async grants() {
      const rows = await reader
        .selectFrom('token')
        .select(['id', 'digest', 'actor', 'expires_at'])
        .where('revoked_at', 'is', null)
        .orderBy('id')
        .execute();
      return rows.map((row) => ({
        digest: row.digest,
        tokenId: row.id,
        actor: row.actor,
        expiresAt: row.expires_at,
        predict: '*' as const,
      }));
    },
  };
}
