import type { AccessFacts } from '@muster-ml/protocol';
import { type Kysely, sql } from 'kysely';
import type { EndpointRow } from './load-endpoints.ts';
import type { FactTables } from './read-tables.ts';

const hourMs = 3_600_000;

/**
 * Access rules by the name of the endpoint, each with when it was last used since `since`. One query: a row for everybody
 * whom a rule lets in. Their last call is looked for from the newest hour on, so that what is in use costs little.
 */
export async function loadAccess(
  reader: Kysely<unknown>,
  endpoints: ReadonlyMap<string, EndpointRow>,
  since: number,
): Promise<ReadonlyMap<string, readonly AccessFacts[]>> {
  const names = [...endpoints.values()].map(({ endpoint }) => endpoint.name);
  const rows = await reader
    .withTables<FactTables>()
    .selectFrom('endpoint_access as rule')
    .leftJoin('membership', (join) =>
      join.on('rule.subject_kind', '=', 'team').onRef('membership.team', '=', 'rule.subject'),
    )
    .leftJoin('actor', (join) =>
      join.on('actor.id', '=', sql`case when rule.subject_kind = 'actor' then rule.subject else membership.actor end`),
    )
    .select((eb) => [
      'rule.endpoint',
      'rule.subject_kind',
      'rule.subject',
      'rule.created_at',
      'rule.expires_at',
      'actor.id as actor',
      'actor.name',
      'actor.disabled_at',
      eb
        .selectFrom('usage_hour')
        .select('usage_hour.last_at')
        .whereRef('usage_hour.endpoint', '=', 'rule.endpoint')
        .whereRef('usage_hour.actor', '=', 'actor.id')
        .where('usage_hour.hour', '>=', since - hourMs)
        .orderBy('usage_hour.hour', 'desc')
        .limit(1)
        .as('used_at'),
    ])
    .distinct()
    .where('rule.endpoint', 'in', names)
    .orderBy('rule.subject')
    .execute();

  const rules = Map.groupBy(rows, ({ endpoint, subject_kind: kind, subject }) => `${endpoint}\n${kind}\n${subject}`);
  const facts = [...rules.values()].flatMap((people) => {
    const [rule] = people;
    if (rule === undefined) return [];
    const times = people.flatMap(({ used_at: at }) => at ?? []);
    const access: AccessFacts = {
      subject: rule.subject_kind === 'actor' ? (rule.name ?? rule.subject) : rule.subject,
      subjectKind: rule.subject_kind,
      createdAt: rule.created_at,
      expiresAt: rule.expires_at,
      isAlive: people.some(({ actor, disabled_at: disabledAt }) => actor !== null && disabledAt === null),
      usedAt: times.length === 0 ? null : Math.max(...times),
    };
    return [{ endpoint: rule.endpoint, access }];
  });
  return new Map(
    [...Map.groupBy(facts, ({ endpoint }) => endpoint)].map(([name, all]) => [name, all.map(({ access }) => access)]),
  );
}
