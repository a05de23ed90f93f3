import type { ModelFacts, Signature, VersionFacts } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { FactTables } from './read-tables.ts';

export interface VersionRow {
  readonly facts: VersionFacts;
}

interface VersionName {
  readonly model: string;
  readonly version: number;
}

export function versionKey({ model, version }: VersionName): string {
  return `${version}:${model}`;
}

/** Versions by name and number, in one query. */
export async function loadVersions(
  db: Kysely<unknown>,
  wanted: readonly VersionName[],
): Promise<ReadonlyMap<string, VersionRow>> {
  if (wanted.length === 0) return new Map();
  const names = [...new Set(wanted.map(({ model }) => model))];
  const numbers = [...new Set(wanted.map(({ version }) => version))];
  const rows = await db
    .withTables<FactTables>()
    .selectFrom('model_version')
    .innerJoin('model', 'model.id', 'model_version.model')
    .select([
      'model.name',
      'number',
      'digest',
      'facts',
      'signature',
      'sample_digest',
      'model_version.created_at',
      'model_version.created_by',
    ])
    .where('model.name', 'in', names)
    .where('number', 'in', numbers)
    .execute();
  const asked = new Set(wanted.map(versionKey));
  return new Map(
    rows
      .filter(({ name, number }) => asked.has(versionKey({ model: name, version: number })))
      .map((row) => {
        const signature = JSON.parse(row.signature) as Signature;
        const facts: VersionFacts = {
          model: row.name,
          number: row.number,
          digest: row.digest,
          facts: JSON.parse(row.facts) as ModelFacts,
          hasSignature: signature.inputs.length > 0 && signature.outputs.length > 0,
          hasSample: row.sample_digest !== null,
          createdAt: row.created_at,
          createdBy: row.created_by,
        };
        return [versionKey({ model: row.name, version: row.number }), { facts }];
      }),
  );
}
