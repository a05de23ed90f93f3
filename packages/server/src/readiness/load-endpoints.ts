import { type Facts, type OwnerFacts, type UseCaseFacts, objectiveSchema } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { FactTables } from './read-tables.ts';

export interface EndpointRow {
  readonly endpoint: NonNullable<Facts['endpoint']> & { readonly id: string };
  readonly owner: OwnerFacts | null;
  readonly useCase: UseCaseFacts | null;
  /** What an endpoint that something else serves is said to serve. */
  readonly observed: {
    readonly platform: string;
    readonly model: string | null;
    readonly version: string | null;
  } | null;
}

/** Endpoints that are not deleted, with who owns them and why they exist; three queries. */
export async function loadEndpoints(
  reader: Kysely<unknown>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, EndpointRow>> {
  const db = reader.withTables<FactTables>();
  const rows = await db
    .selectFrom('endpoint')
    .leftJoin('use_case', 'use_case.id', 'endpoint.use_case')
    .leftJoin('observed_endpoint', 'observed_endpoint.endpoint', 'endpoint.id')
    .leftJoin('actor', (join) =>
      join.on((eb) => eb('actor.id', '=', eb.fn.coalesce('endpoint.owner', 'endpoint.created_by'))),
    )
    .select([
      'endpoint.id',
      'endpoint.name',
      'endpoint.team',
      'endpoint.kind',
      'endpoint.objective',
      'endpoint.runbook',
      'use_case.name as use_case_name',
      'use_case.state as use_case_state',
      'use_case.risk_tier',
      'use_case.decided_at',
      'observed_endpoint.platform',
      'observed_endpoint.model as observed_model',
      'observed_endpoint.version as observed_version',
      'actor.id as owner',
      'actor.name as owner_name',
      'actor.kind as owner_kind',
      'actor.disabled_at',
    ])
    .where('endpoint.id', 'in', ids)
    .where('endpoint.deleted_at', 'is', null)
    .execute();
  const owners = [...new Set(rows.flatMap(({ owner }) => owner ?? []))];
  const memberships =
    owners.length === 0
      ? []
      : await db.selectFrom('membership').select(['actor', 'team']).where('actor', 'in', owners).execute();
  const uses =
    owners.length === 0
      ? []
      : await db
          .selectFrom('token')
          // A first use is written down within half a minute; whoever got a token was there.
          .select((eb) => ['actor', eb.fn.max(eb.fn.coalesce('last_used_at', 'created_at')).as('at')])
          .where('actor', 'in', owners)
          .groupBy('actor')
          .execute();
  const isMember = new Set(memberships.map(({ actor, team }) => `${actor}/${team}`));
  const seenAt = new Map(uses.map(({ actor, at }) => [actor, at === null ? null : at]));

  return new Map(
    rows.map((row) => [
      row.id,
      {
        endpoint: {
          id: row.id,
          name: row.name,
          team: row.team,
          kind: row.kind,
          objective: row.objective === null ? null : objectiveSchema.parse(JSON.parse(row.objective)),
          runbook: row.runbook,
        },
        owner:
          row.owner === null
            ? null
            : {
                id: row.owner,
                name: row.owner_name ?? row.owner,
                isPerson: row.owner_kind === 'person',
                isActive: row.disabled_at === null,
                isMember: isMember.has(`${row.owner}/${row.team}`),
                seenAt: seenAt.get(row.owner) ?? null,
              },
        useCase:
          row.use_case_name === null || row.use_case_state === null
            ? null
            : {
                name: row.use_case_name,
                state: row.use_case_state,
                riskTier: row.risk_tier,
                decidedAt: row.decided_at,
              },
        observed:
          row.platform === null
            ? null
            : { platform: row.platform, model: row.observed_model, version: row.observed_version },
      } satisfies EndpointRow,
    ]),
  );
}
