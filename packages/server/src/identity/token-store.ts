import type { Kysely } from 'kysely';
import type { Database, Tx } from '../platform/database/index.ts';
import type { TokenLimits } from './actor.ts';
import { limitsOf } from './store.ts';
import type { IdentityTables } from './tables.ts';

/** A token as its row says, with its actor. */
export interface TokenRecord extends TokenLimits {
  readonly actor: string;
  readonly actorName: string;
  /** The team of a service account. */
  readonly actorTeam: string | null;
  readonly kind: 'personal' | 'service' | 'endpoint';
  readonly note: string;
  readonly last4: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

/** Tokens of an actor, newest first, below the id. */
export async function tokensOf(
  { reader }: Database,
  actor: string,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly TokenRecord[]> {
  let query = select(reader).where('token.actor', '=', actor);
  if (page.after !== undefined) query = query.where('token.id', '<', page.after);
  const rows = await query.orderBy('token.id', 'desc').limit(page.limit).execute();
  return rows.map(toRecord);
}

export async function tokenById({ reader }: Database, id: string): Promise<TokenRecord | undefined> {
  const row = await select(reader).where('token.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toRecord(row);
}

export async function tokenWithDigest({ reader }: Database, digest: string): Promise<TokenRecord | undefined> {
  const row = await select(reader).where('token.digest', '=', digest).executeTakeFirst();
  return row === undefined ? undefined : toRecord(row);
}

/** Whether it was not revoked before. */
export async function revoke(tx: Tx, id: string, now: number): Promise<boolean> {
  const result = await tx
    .withTables<IdentityTables>()
    .updateTable('token')
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

function select(db: Kysely<unknown>) {
  return db
    .withTables<IdentityTables>()
    .selectFrom('token')
    .innerJoin('actor', 'actor.id', 'token.actor')
    .select([
      'token.id',
      'token.actor',
      'actor.name as actorName',
      'actor.team as actorTeam',
      'token.kind',
      'token.note',
      'token.last4',
      'token.actions',
      'token.resources',
      'token.created_at',
      'token.expires_at',
      'token.revoked_at',
      'token.last_used_at',
    ]);
}

type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number];

function toRecord(row: Row): TokenRecord {
  return {
    ...limitsOf(row),
    actor: row.actor,
    actorName: row.actorName,
    actorTeam: row.actorTeam,
    kind: row.kind,
    note: row.note,
    last4: row.last4,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}
