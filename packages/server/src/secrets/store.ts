import type { Secret, SecretName } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { type Scope, inScope } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { SealedValue, WrappedKey } from './seal.ts';
import type { SealedVersion, SecretRecord, VersionRecord } from './secret.ts';

type Sealed = { kek_id: string; wrapped_key: Uint8Array; nonce: Uint8Array; ciphertext: Uint8Array; tag: Uint8Array };

type SecretTables = {
  secret: { id: string; team: string; name: string; last_number: number; created_at: number; created_by: string };
  secret_version: { [K in keyof Sealed]: Sealed[K] | null } & {
    secret: string;
    number: number;
    kind: Secret['kind'];
    set_at: number;
    set_by: string;
  };
  secret_canary: Sealed & { id: number };
  secret_use: { secret: string; number: number; user_kind: 'deployment' | 'score'; user_id: string; at: number };
};

/** What is wrapped with a key: a version of a secret. */
export interface WrappedVersion extends WrappedKey {
  readonly secret: SecretRecord;
  readonly number: number;
}

/** What a version was handed to. */
export interface SecretUse {
  readonly secret: string;
  readonly number: number;
  readonly userKind: 'deployment' | 'score';
  readonly userId: string;
  readonly at: number;
}

/** Reads take the database's reader or a transaction, writes a transaction. */
export interface SecretStore {
  find(db: Kysely<unknown>, name: SecretName): Promise<SecretRecord | undefined>;
  /** The same, held until the commit: nobody sets, deletes or refers to it meanwhile. */
  findForUpdate(tx: Tx, name: SecretName): Promise<SecretRecord | undefined>;
  /** Secrets of a scope after a name, by team and name. */
  after(
    db: Kysely<unknown>,
    page: { readonly scope: Scope; readonly after: SecretName | undefined; readonly limit: number },
  ): Promise<readonly SecretRecord[]>;
  /** The newest versions of secrets, newest first, by the secret's id. */
  versionsOf(
    db: Kysely<unknown>,
    secrets: readonly SecretRecord[],
    limit: number,
  ): Promise<ReadonlyMap<string, readonly VersionRecord[]>>;
  /** The newest version with its value; undefined where the value was given up. */
  newest(db: Kysely<unknown>, secret: SecretRecord): Promise<SealedVersion | undefined>;

  /** Makes it where it does not exist; whoever comes second finds it. */
  insert(tx: Tx, secret: SecretRecord): Promise<void>;
  /** Adds a version and destroys the values of those before it. */
  addVersion(tx: Tx, secret: SecretRecord, version: VersionRecord, sealed: SealedValue): Promise<void>;
  remove(tx: Tx, secret: SecretRecord): Promise<void>;
  isUsed(db: Kysely<unknown>, use: SecretUse): Promise<boolean>;
  /** Notes the first use; false where it was known. */
  noteUse(tx: Tx, use: SecretUse): Promise<boolean>;

  canary(db: Kysely<unknown>): Promise<SealedValue | undefined>;
  /** Sets it, also where there is one. */
  putCanary(tx: Tx, sealed: SealedValue): Promise<void>;
  /** Sets it, unless there is one. */
  addCanary(tx: Tx, sealed: SealedValue): Promise<void>;
  /** Versions that are wrapped with other keys than this one, after a position, in a fixed order. */
  wrappedOtherwise(
    db: Kysely<unknown>,
    kekId: string,
    page: { readonly after: readonly [secret: string, number: number] | undefined; readonly limit: number },
  ): Promise<readonly WrappedVersion[]>;
  /** Puts the wrapped key in the place of the one that was read, if that is still there. */
  putWrapped(tx: Tx, before: WrappedVersion, after: WrappedKey): Promise<void>;
  countValues(db: Kysely<unknown>): Promise<number>;
  /** Destroys every value. */
  forgetValues(tx: Tx): Promise<void>;
}

const tables = (db: Kysely<unknown>): Kysely<SecretTables> => db.withTables<SecretTables>();
const noValue = { kek_id: null, wrapped_key: null, nonce: null, ciphertext: null, tag: null };
const canaryId = 1;

/** The store of secrets, the same on both databases. */
export const secretStore: SecretStore = {
  async find(db, { team, name }) {
    const query = tables(db).selectFrom('secret').selectAll().where('team', '=', team).where('name', '=', name);
    const row = await query.executeTakeFirst();
    return row === undefined ? undefined : toSecret(row);
  },

  async findForUpdate(tx, { team, name }) {
    const query = tables(tx).selectFrom('secret').selectAll().where('team', '=', team).where('name', '=', name);
    const row = await query.forUpdate().executeTakeFirst();
    return row === undefined ? undefined : toSecret(row);
  },

  async after(db, { scope, after, limit }) {
    let query = tables(db)
      .selectFrom('secret')
      .selectAll()
      .where(inScope(scope, { team: 'secret.team' }))
      .orderBy('team')
      .orderBy('name')
      .limit(limit);
    if (after !== undefined)
      query = query.where((is) =>
        is.or([is('team', '>', after.team), is.and([is('team', '=', after.team), is('name', '>', after.name)])]),
      );
    return (await query.execute()).map(toSecret);
  },

  async versionsOf(db, secrets, limit) {
    const versions = new Map<string, VersionRecord[]>(secrets.map(({ id }) => [id, []]));
    if (secrets.length === 0) return versions;
    const rows = await tables(db)
      .selectFrom('secret_version')
      .innerJoin('secret', 'secret.id', 'secret_version.secret')
      .select(['secret', 'number', 'kind', 'set_at', 'set_by'])
      .where('secret', 'in', [...versions.keys()])
      .where((is) => is('number', '>', is('last_number', '-', limit)))
      .orderBy('number', 'desc')
      .execute();
    for (const { secret, number, kind, set_at, set_by } of rows)
      versions.get(secret)?.push({ number, kind, setAt: set_at, setBy: set_by });
    return versions;
  },

  async newest(db, { id, lastNumber }) {
    const row = await tables(db)
      .selectFrom('secret_version')
      .selectAll()
      .where('secret', '=', id)
      .where('number', '=', lastNumber)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { kek_id, wrapped_key, nonce, ciphertext, tag, number, kind } = row;
    if (kek_id === null || wrapped_key === null || nonce === null || ciphertext === null || tag === null)
      return undefined;
    return { number, kind, sealed: toSealed({ kek_id, wrapped_key, nonce, ciphertext, tag }) };
  },

  async insert(tx, { id, team, name, lastNumber, createdAt, createdBy }) {
    await tables(tx)
      .insertInto('secret')
      .values({ id, team, name, last_number: lastNumber, created_at: createdAt, created_by: createdBy })
      .onConflict((conflict) => conflict.columns(['team', 'name']).doNothing())
      .execute();
  },

  async addVersion(tx, { id }, { number, kind, setAt, setBy }, sealed) {
    await tables(tx)
      .updateTable('secret_version')
      .set(noValue)
      .where('secret', '=', id)
      .where('kek_id', 'is not', null)
      .execute();
    await tables(tx)
      .insertInto('secret_version')
      .values({ secret: id, number, kind, set_at: setAt, set_by: setBy, ...sealedRow(sealed) })
      .execute();
    await tables(tx).updateTable('secret').set({ last_number: number }).where('id', '=', id).execute();
  },

  async remove(tx, { id }) {
    await tables(tx).deleteFrom('secret').where('id', '=', id).execute();
  },

  async isUsed(db, { secret, number, userKind, userId }) {
    const query = tables(db)
      .selectFrom('secret_use')
      .select('at')
      .where('secret', '=', secret)
      .where('number', '=', number)
      .where('user_kind', '=', userKind)
      .where('user_id', '=', userId);
    return (await query.executeTakeFirst()) !== undefined;
  },

  async noteUse(tx, { secret, number, userKind, userId, at }) {
    const inserted = await tables(tx)
      .insertInto('secret_use')
      .values({ secret, number, user_kind: userKind, user_id: userId, at })
      .onConflict((conflict) => conflict.columns(['secret', 'number', 'user_kind', 'user_id']).doNothing())
      .returning('at')
      .executeTakeFirst();
    return inserted !== undefined;
  },

  async canary(db) {
    const row = await tables(db).selectFrom('secret_canary').selectAll().where('id', '=', canaryId).executeTakeFirst();
    return row === undefined ? undefined : toSealed(row);
  },

  async putCanary(tx, sealed) {
    const row = sealedRow(sealed);
    await tables(tx)
      .insertInto('secret_canary')
      .values({ id: canaryId, ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  },

  async addCanary(tx, sealed) {
    await tables(tx)
      .insertInto('secret_canary')
      .values({ id: canaryId, ...sealedRow(sealed) })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  },

  async wrappedOtherwise(db, kekId, { after, limit }) {
    let query = tables(db)
      .selectFrom('secret_version')
      .innerJoin('secret', 'secret.id', 'secret_version.secret')
      .selectAll('secret')
      .select(['number', 'kek_id', 'wrapped_key'])
      .where('kek_id', 'is not', null)
      .where('kek_id', '!=', kekId)
      .orderBy('secret_version.secret')
      .orderBy('number')
      .limit(limit);
    if (after !== undefined) {
      const [secret, number] = after;
      query = query.where((is) =>
        is.or([
          is('secret_version.secret', '>', secret),
          is.and([is('secret_version.secret', '=', secret), is('number', '>', number)]),
        ]),
      );
    }
    const rows = await query.execute();
    return rows.flatMap(({ number, kek_id, wrapped_key, ...secret }) =>
      kek_id === null || wrapped_key === null
        ? []
        : [{ secret: toSecret(secret), number, kekId: kek_id, wrappedKey: wrapped_key }],
    );
  },

  async putWrapped(tx, { secret, number, kekId }, after) {
    await tables(tx)
      .updateTable('secret_version')
      .set({ kek_id: after.kekId, wrapped_key: after.wrappedKey })
      .where('secret', '=', secret.id)
      .where('number', '=', number)
      .where('kek_id', '=', kekId)
      .execute();
  },

  async countValues(db) {
    const count = tables(db)
      .selectFrom('secret_version')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('kek_id', 'is not', null);
    return (await count.executeTakeFirstOrThrow()).count;
  },

  async forgetValues(tx) {
    await tables(tx).updateTable('secret_version').set(noValue).where('kek_id', 'is not', null).execute();
  },
};

function toSecret(row: SecretTables['secret']): SecretRecord {
  const { id, team, name, last_number, created_at, created_by } = row;
  return { id, team, name, lastNumber: last_number, createdAt: created_at, createdBy: created_by };
}

function toSealed({ kek_id, wrapped_key, nonce, ciphertext, tag }: Sealed): SealedValue {
  return { kekId: kek_id, wrappedKey: wrapped_key, nonce, ciphertext, tag };
}

function sealedRow({ kekId, wrappedKey, nonce, ciphertext, tag }: SealedValue): Sealed {
  return { kek_id: kekId, wrapped_key: wrappedKey, nonce, ciphertext, tag };
}
