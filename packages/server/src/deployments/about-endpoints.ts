import type { Endpoint } from '@muster-ml/protocol';
import type { StandingRecord } from '../standing/index.ts';
import type { UseCaseTables } from '../usecases/index.ts';
import type { DeploymentParts } from './change-endpoint.ts';
import { type EndpointRecord, type EndpointState, servingOf } from './endpoint.ts';

/** What other rooms know of some endpoints. */
export interface AboutEndpoints {
  /** Names of actors, by id. */
  readonly names: ReadonlyMap<string, string>;
  /** Names of use cases, by id. */
  readonly useCases: ReadonlyMap<string, string>;
  /** By id of the endpoint. */
  readonly standings: ReadonlyMap<string, StandingRecord>;
}

/** Rows of one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

/** Reads what is shown beside some endpoints: whose they are, why they exist, where they stand. */
export async function aboutEndpoints(
  { database, identity, standings }: Pick<DeploymentParts, 'database' | 'identity' | 'standings'>,
  endpoints: readonly EndpointRecord[],
): Promise<AboutEndpoints> {
  const useCaseIds = [...new Set(endpoints.flatMap(({ useCaseId }) => useCaseId ?? []))];
  const useCases = new Map<string, string>();
  for (let at = 0; at < useCaseIds.length; at += chunk) {
    const rows = await database.reader
      .withTables<UseCaseTables>()
      .selectFrom('use_case')
      .select(['id', 'name'])
      .where('id', 'in', useCaseIds.slice(at, at + chunk))
      .execute();
    for (const { id, name } of rows) useCases.set(id, name);
  }
  return {
    names: await identity.namesOf([...new Set(endpoints.map(({ owner }) => owner))]),
    useCases,
    standings: await standings.of(endpoints.map(({ id }) => id)),
  };
}

/** An endpoint that answers is deployed; in production, or fallen from there, it is by its record only. */
export function standingOf(state: EndpointState, record: StandingRecord | undefined): Endpoint['standing'] {
  if (record !== undefined && record.state !== 'waiting') return record.state;
  if (state.endpoint.kind === 'observed') return 'observed';
  const live = servingOf(state, 'live');
  return live === undefined || live.state === 'quarantined' ? 'not deployed' : 'deployed';
}
