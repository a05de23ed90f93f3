import { foldName } from '@muster-ml/protocol';
import type { EnvironmentSpec, Lineage, ModelFacts, Runtime, Signature } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { type Scope, inScope } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { ModelPointers, ModelRecord } from './model.ts';
import type { VersionRecord } from './version.ts';

type RegistryTables = {
  model: {
    id: string;
    name: string;
    folded_name: string;
    team: string;
    description: string;
    tags: string;
    last_number: number;
    created_at: number;
    created_by: string;
  };
  model_version: {
    id: string;
    model: string;
    number: number;
    runtime: Runtime;
    digest: string;
    size: number;
    signature: string;
    facts: string;
    sample_digest: string | null;
    lineage: string | null;
    description: string;
    tags: string;
    created_at: number;
    created_by: string;
  };
  model_alias: { model: string; alias: string; number: number; set_at: number; set_by: string };
};

/** Reads take the database's reader or a transaction, writes a transaction. */
export interface RegistryStore {
  modelByName(db: Kysely<unknown>, name: string): Promise<ModelRecord | undefined>;
  modelById(db: Kysely<unknown>, id: string): Promise<ModelRecord | undefined>;
  /** Models of the scope after the name, by name. */
  modelsAfter(
    db: Kysely<unknown>,
    page: { readonly scope: Scope; readonly after: string | undefined; readonly limit: number },
  ): Promise<readonly ModelRecord[]>;
  countModels(db: Kysely<unknown>, scope: Scope): Promise<number>;
  /** Latest version and aliases of models, by the model's id. */
  pointersOf(db: Kysely<unknown>, models: readonly string[]): Promise<ReadonlyMap<string, ModelPointers>>;
  insertModel(tx: Tx, model: ModelRecord): Promise<void>;

  version(db: Kysely<unknown>, model: string, number: number): Promise<VersionRecord | undefined>;
  /** Versions below the number, newest first. */
  versionsBefore(
    db: Kysely<unknown>,
    model: string,
    page: { readonly before: number | undefined; readonly limit: number },
  ): Promise<readonly VersionRecord[]>;
  /** What the versions that Python runs need, each once. */
  environments(db: Kysely<unknown>): Promise<readonly EnvironmentSpec[]>;
  /** Takes the model's next number; holds the model until the commit, so numbers have no gaps. */
  nextNumber(tx: Tx, model: string): Promise<number>;
  insertVersion(tx: Tx, version: VersionRecord): Promise<void>;

  /** Holds the model until the commit. */
  lockModel(tx: Tx, model: string): Promise<void>;
  alias(db: Kysely<unknown>, model: string, alias: string): Promise<number | undefined>;
  putAlias(
    tx: Tx,
    alias: { model: string; alias: string; number: number; setAt: number; setBy: string },
  ): Promise<void>;
  deleteAlias(tx: Tx, model: string, alias: string): Promise<void>;

  /** Whether a version of the scope has the digest as its file. */
  isContentOf(db: Kysely<unknown>, scope: Scope, digest: string): Promise<boolean>;

  /** Those of the digests that a version refers to. */
  referenced(tx: Tx, digests: readonly string[]): Promise<readonly string[]>;
}

/** Facts may be long: what goes through all of them reads a piece at a time. */
const readAtOnce = 500;

/** Where a row of these tables says whose it is. */
const inTeam = { team: 'model.team' } as const;

const tables = (db: Kysely<unknown>): Kysely<RegistryTables> => db.withTables<RegistryTables>();

/** The store of models, versions and aliases, the same on both databases. */
export const registryStore: RegistryStore = {
  async modelByName(db, name) {
    const row = await tables(db).selectFrom('model').selectAll().where('name', '=', name).executeTakeFirst();
    return row === undefined ? undefined : toModel(row);
  },

  async modelById(db, id) {
    const row = await tables(db).selectFrom('model').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : toModel(row);
  },

  async modelsAfter(db, { scope, after, limit }) {
    const models = tables(db).selectFrom('model').selectAll().orderBy('name').limit(limit);
    let query = models.where(inScope(scope, inTeam));
    if (after !== undefined) query = query.where('name', '>', after);
    return (await query.execute()).map(toModel);
  },

  async countModels(db, scope) {
    const count = tables(db)
      .selectFrom('model')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where(inScope(scope, inTeam));
    return (await count.executeTakeFirstOrThrow()).count;
  },

  async pointersOf(db, models) {
    const pointers = new Map<string, { latestVersion: number | null; aliases: Record<string, number> }>();
    for (const id of models) pointers.set(id, { latestVersion: null, aliases: {} });
    if (models.length === 0) return pointers;
    const latest = await tables(db)
      .selectFrom('model_version')
      .select((select) => ['model', select.fn.max('number').as('number')])
      .where('model', 'in', models)
      .groupBy('model')
      .execute();
    for (const { model, number } of latest) {
      const entry = pointers.get(model);
      if (entry !== undefined) entry.latestVersion = number;
    }
    const aliases = tables(db).selectFrom('model_alias').select(['model', 'alias', 'number']);
    for (const { model, alias, number } of await aliases.where('model', 'in', models).orderBy('alias').execute()) {
      const entry = pointers.get(model);
      if (entry !== undefined) entry.aliases[alias] = number;
    }
    return pointers;
  },

  async insertModel(tx, model) {
    const row = {
      id: model.id,
      name: model.name,
      folded_name: foldName(model.name),
      team: model.team,
      description: model.description,
      tags: JSON.stringify(model.tags),
      last_number: 0,
      created_at: model.createdAt,
      created_by: model.createdBy,
    };
    await tables(tx).insertInto('model').values(row).execute();
  },

  async version(db, model, number) {
    const versions = tables(db).selectFrom('model_version').selectAll().where('model', '=', model);
    const row = await versions.where('number', '=', number).executeTakeFirst();
    return row === undefined ? undefined : toVersion(row);
  },

  async versionsBefore(db, model, { before, limit }) {
    let query = tables(db).selectFrom('model_version').selectAll().where('model', '=', model);
    if (before !== undefined) query = query.where('number', '<', before);
    return (await query.orderBy('number', 'desc').limit(limit).execute()).map(toVersion);
  },

  async environments(db) {
    const versions = tables(db).selectFrom('model_version').select(['id', 'facts']).where('runtime', '=', 'python');
    const specs = new Map<string, EnvironmentSpec>();
    let rows: readonly { readonly id: string; readonly facts: string }[];
    let after = '';
    do {
      rows = await versions.where('id', '>', after).orderBy('id').limit(readAtOnce).execute();
      for (const { facts } of rows) {
        const parsed = JSON.parse(facts) as ModelFacts;
        if (parsed.format !== 'onnx') specs.set(JSON.stringify(parsed.environment), parsed.environment);
      }
      after = rows.at(-1)?.id ?? after;
    } while (rows.length === readAtOnce);
    return [...specs.values()];
  },

  async nextNumber(tx, model) {
    const row = await tables(tx)
      .updateTable('model')
      .set((update) => ({ last_number: update('last_number', '+', 1) }))
      .where('id', '=', model)
      .returning('last_number')
      .executeTakeFirstOrThrow();
    return row.last_number;
  },

  async insertVersion(tx, version) {
    const row = {
      id: version.id,
      model: version.model,
      number: version.number,
      runtime: version.runtime,
      digest: version.digest,
      size: version.sizeBytes,
      signature: JSON.stringify(version.signature),
      facts: JSON.stringify(version.facts),
      sample_digest: version.sampleDigest,
      lineage: version.lineage === null ? null : JSON.stringify(version.lineage),
      description: version.description,
      tags: JSON.stringify(version.tags),
      created_at: version.createdAt,
      created_by: version.createdBy,
    };
    await tables(tx).insertInto('model_version').values(row).execute();
  },

  async lockModel(tx, model) {
    await tables(tx).selectFrom('model').select('id').where('id', '=', model).forUpdate().executeTakeFirstOrThrow();
  },

  async alias(db, model, alias) {
    const aliases = tables(db).selectFrom('model_alias').select('number').where('model', '=', model);
    return (await aliases.where('alias', '=', alias).executeTakeFirst())?.number;
  },

  async putAlias(tx, { model, alias, number, setAt, setBy }) {
    await tables(tx)
      .insertInto('model_alias')
      .values({ model, alias, number, set_at: setAt, set_by: setBy })
      .onConflict((conflict) =>
        conflict.columns(['model', 'alias']).doUpdateSet({ number, set_at: setAt, set_by: setBy }),
      )
      .execute();
  },

  async deleteAlias(tx, model, alias) {
    await tables(tx).deleteFrom('model_alias').where('model', '=', model).where('alias', '=', alias).execute();
  },

  async isContentOf(db, scope, digest) {
    const row = await tables(db)
      .selectFrom('model_version')
      .innerJoin('model', 'model.id', 'model_version.model')
      .select('model_version.id')
      .where('model_version.digest', '=', digest)
      .where(inScope(scope, inTeam))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  },

  async referenced(tx, digests) {
    const files = tables(tx).selectFrom('model_version').select('digest').where('digest', 'in', digests);
    const samples = tables(tx)
      .selectFrom('model_version')
      .select('sample_digest as digest')
      .where('sample_digest', 'in', digests);
    const rows = await files.$castTo<{ digest: string | null }>().union(samples).execute();
    return rows.flatMap((row) => row.digest ?? []);
  },
};

function toModel(row: RegistryTables['model']): ModelRecord {
  return {
    id: row.id,
    name: row.name,
    team: row.team,
    description: row.description,
    tags: JSON.parse(row.tags) as Record<string, string>,
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}

function toVersion(row: RegistryTables['model_version']): VersionRecord {
  return {
    id: row.id,
    model: row.model,
    number: row.number,
    runtime: row.runtime,
    digest: row.digest,
    sizeBytes: row.size,
    signature: JSON.parse(row.signature) as Signature,
    facts: JSON.parse(row.facts) as ModelFacts,
    sampleDigest: row.sample_digest,
    lineage: row.lineage === null ? null : (JSON.parse(row.lineage) as Lineage),
    description: row.description,
    tags: JSON.parse(row.tags) as Record<string, string>,
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}
