import { sql } from 'kysely';
import type { Database } from '../src/platform/database/index.ts';
import { type PlannedDeployment, type PlannedEndpoint, insertRows, modelOf, writePlanned } from './planned-endpoint.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const days = 365;
/** A version a month, each first as a canary. */
const versions = 12;
const monthMs = (days * dayMs) / versions;

/** Endpoints of one team and of one owner, so that teams and people grow with the fleet as they do in life. */
const endpointsOfTeam = 20;
const endpointsOfOwner = 5;
const callersOfEndpoint = 2;

const objective = { latencyMs: 200, percentile: 95, errorPercent: 1, requestsPerSecond: 20 };

/**
 * Writes a year of so many endpoints, up to `now`: every month a version, a canary, a submission, its approval and three
 * drills, now and then a lapse, and calls on every day. The same numbers give the same year.
 */
export async function writeYear(database: Database, endpoints: number, now: number): Promise<void> {
  const random = randomFrom(endpoints);
  const planned = Array.from({ length: endpoints }, (_, number) => plan(number, now, random));
  // In pieces: a transaction of everything would hold it all in memory.
  for (let at = 0; at < planned.length; at += 50) await writePlanned(database, planned.slice(at, at + 50));
  await writePeople(database, planned, now);
  await writeUse(database, now);
}

function plan(number: number, now: number, random: () => number): PlannedEndpoint {
  const name = `fleet-${String(number).padStart(5, '0')}`;
  const owner = `p-${Math.floor(number / endpointsOfOwner)}`;
  const team = `team-${Math.floor(number / endpointsOfTeam)}`;
  const runbook = `https://wiki.example.org/${name}`;
  const start = now - days * dayMs - random() * 20 * dayMs;
  const later = (from: number, mostDays: number): number =>
    Math.min(now, Math.round(from + random() * mostDays * dayMs));
  const acceptedAt = later(start, 10);
  const handedOver = Array.from({ length: versions }, (_, at) => later(acceptedAt + at * monthMs, 5));
  const isWaiting = number % 20 === 19;
  const approved = handedOver.map((at, index) => {
    const submittedAt = later(at + dayMs, 3);
    return {
      version: index + 1,
      state: 'approved' as const,
      at: submittedAt,
      endedAt: later(submittedAt, 4),
      approvers: [`p-${Math.floor(number / endpointsOfOwner) + 1}`],
    };
  });
  const [first] = approved;
  return {
    name,
    team,
    owner,
    createdAt: handedOver[0] ?? start,
    useCase: {
      proposedAt: Math.round(start),
      state: 'accepted',
      decidedAt: acceptedAt,
      riskTier: number % 10 === 0 ? 'high' : number % 3 === 0 ? 'minimal' : 'limited',
    },
    objective,
    runbook,
    versions: handedOver,
    deployments: deploymentsOf(handedOver),
    ...(isWaiting || first === undefined
      ? {}
      : {
          submissions: approved,
          standing: { state: 'in production', since: first.endedAt, firstAt: first.endedAt },
          events: approved.flatMap(({ at, endedAt }) => [
            { what: 'submitted', at },
            { what: 'approved', at: endedAt },
            { what: 'granted', at: endedAt },
            { what: 'lapsed', at: endedAt + dayMs },
            { what: 'restored', at: endedAt + 2 * dayMs },
          ]),
        }),
    evidence: handedOver.flatMap((at, index) =>
      ['R20', 'R21', 'R22', 'R29'].map((check) => ({
        check,
        source: check === 'R29' ? ('person' as const) : ('drill' as const),
        version: index + 1,
        at: later(at, 2),
        figures: figuresOf(check, runbook),
      })),
    ),
  };
}

/** What a drill and a person found: enough for the objective and the runbook. */
function figuresOf(check: string, runbook: string): Readonly<Record<string, number | string>> {
  switch (check) {
    case 'R20':
      return {
        objectiveLatencyMs: objective.latencyMs,
        objectivePercentile: objective.percentile,
        objectiveRequestsPerSecond: objective.requestsPerSecond,
        objectiveErrorPercent: objective.errorPercent,
        latencyMs: 12,
        requests: 2000,
      };
    case 'R29':
      return { runbook };
    default:
      return { requests: 2000, failed: 0 };
  }
}

/** Each version is a canary for a day, and then live until the next one is. */
function deploymentsOf(handedOver: readonly number[]): PlannedDeployment[] {
  return handedOver.flatMap((at, index) => {
    const liveAt = at + dayMs;
    const nextAt = handedOver[index + 1];
    const version = index + 1;
    return [
      {
        version,
        role: 'canary' as const,
        createdAt: at,
        traffic: { from: at, until: liveAt, sharePercent: 10 },
      },
      {
        version,
        role: 'live' as const,
        createdAt: liveAt,
        traffic: { from: liveAt, until: nextAt === undefined ? null : nextAt + dayMs, sharePercent: 100 },
      },
    ];
  });
}

/** Owners, members of their teams; a caller of each endpoint that an access rule lets in, with a token. */
async function writePeople(database: Database, planned: readonly PlannedEndpoint[], now: number): Promise<void> {
  const teamOf = new Map(planned.map(({ owner, team }) => [owner, team]));
  const callers = planned.flatMap(({ name }) =>
    Array.from({ length: callersOfEndpoint }, (_, at) => ({ id: `c-${name}-${at}`, endpoint: name })),
  );
  const since = now - days * dayMs;
  const actor = (id: string, kind: string) => ({ id, kind, name: id, folded_name: id, created_at: since });
  const people = [...teamOf.keys()];
  await database.inTransaction(async (tx) => {
    const actors = [...people.map((id) => actor(id, 'person')), ...callers.map(({ id }) => actor(id, 'service'))];
    await insertRows(tx, 'actor', actors);
    const roles = [...teamOf].map(([id, team]) => ({ actor: id, team, role: 'operator', created_at: since }));
    await insertRows(tx, 'membership', roles);
    const tokens = actors.map(({ id }) => ({
      id: `t-${id}`,
      digest: `of-${id}`,
      actor: id,
      kind: 'personal',
      last4: 'last',
      created_at: since,
      last_used_at: now - hourMs,
    }));
    await insertRows(tx, 'token', tokens);
    const rules = callers.map(({ id, endpoint }) => ({
      endpoint,
      subject_kind: 'actor',
      subject: id,
      created_at: since,
      created_by: id,
    }));
    await insertRows(tx, 'endpoint_access', rules);
  });
}

/** Calls of each caller on every day: by the database itself, since they are most of the rows. */
async function writeUse(database: Database, now: number): Promise<void> {
  const lastHour = Math.floor(now / hourMs) * hourMs - hourMs;
  await database.inTransaction(async (tx) => {
    await sql`
      insert into usage_hour (
        endpoint, hour, team, actor, model, version, requests, client_errors, server_errors, refused, row_count, run_ms, last_at
      )
      with recursive day (number) as (select cast(0 as bigint) union all select number + 1 from day where number < ${sql.lit(days - 1)})
      select
        endpoint.name, ${sql.lit(lastHour)} - day.number * ${sql.lit(dayMs)}, endpoint.team, endpoint_access.subject,
        endpoint.name || ${sql.lit(modelOf(''))}, ${sql.lit(String(versions))}, 1000, 0, 1, 0, 1000, 500,
        ${sql.lit(lastHour)} - day.number * ${sql.lit(dayMs)} + 1
      from endpoint
      join endpoint_access on endpoint_access.endpoint = endpoint.name
      cross join day
    `.execute(tx);
  });
}

/** The same numbers on every machine (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
