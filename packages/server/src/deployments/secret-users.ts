import { servingSettingsSchema } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { SecretUser } from '../secrets/index.ts';
import type { DeploymentTables } from './rows.ts';

/** Deployments that have not ended and refer to one of these secrets, by endpoint. */
export async function secretUsersOf(
  db: Kysely<unknown>,
  references: readonly string[],
): Promise<readonly SecretUser[]> {
  if (references.length === 0) return [];
  const rows = await db
    .withTables<DeploymentTables>()
    .selectFrom('deployment')
    .innerJoin('endpoint', 'endpoint.id', 'deployment.endpoint')
    .select(['deployment.id', 'endpoint.name', 'endpoint.team', 'deployment.settings'])
    .where('deployment.ended_at', 'is', null)
    .where('endpoint.deleted_at', 'is', null)
    // References hold no quotes and no wildcards.
    .where('deployment.settings', 'like', references.length === 1 ? `%"${references[0]}"%` : '%"secret://%')
    .orderBy('endpoint.name')
    .orderBy('deployment.id')
    .execute();
  const wanted = new Set(references);
  return rows.flatMap(({ id, name, team, settings }) => {
    const { secrets } = servingSettingsSchema.parse(JSON.parse(settings));
    return Object.entries(secrets ?? {}).flatMap(([variable, reference]) =>
      wanted.has(reference) ? [{ endpoint: name, team, deployment: id, variable, reference }] : [],
    );
  });
}
