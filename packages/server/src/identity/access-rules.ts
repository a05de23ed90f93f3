import { type AccessRule, MusterError, type Page, type PageQuery } from '@muster-ml/protocol';
import type { Database, Tx } from '../platform/database/index.ts';
import { isWider } from './access-width.ts';
import type { Caller } from './actor.ts';
import { changeIdentity } from './change-identity.ts';
import { type IdentityRoom, actorNotFound } from './identity.ts';
import { actorByReference, teamByName } from './people-store.ts';
import type { IdentityTables } from './tables.ts';
import { teamNotFound } from './team-not-found.ts';

/** What this room asks of the one that owns endpoints. */
export interface EndpointPort {
  /** The team that owns an endpoint which is there; within a transaction, as that one sees it. */
  team(name: string, tx?: Tx): Promise<string | undefined>;
  /** The error of one that is not there. */
  missing(name: string): MusterError;
  /** Throws where an endpoint takes no new callers now. */
  refuseNewCallers(name: string, tx: Tx): Promise<void>;
}

export interface AccessSubject {
  readonly endpoint: string;
  readonly subjectKind: 'actor' | 'team';
  /** Id or name of an actor, name of a team. */
  readonly subject: string;
}

const dayMs = 86_400_000;

/** Who may call an endpoint besides its team. The cursor is the last subject. Throws `endpoint_not_found`. */
export async function listAccess(
  room: IdentityRoom,
  port: EndpointPort,
  caller: Caller,
  endpoint: string,
  query: PageQuery,
): Promise<Page<AccessRule>> {
  await findEndpoint(room, port, caller, 'access.read', endpoint);
  const rows = await rulesOf(room.parts.database, endpoint, query.after, query.limit + 1);
  const shown = rows.slice(0, query.limit);
  const items = shown.map(render);
  const last = rows.length > query.limit ? shown.at(-1) : undefined;
  return last === undefined ? { items } : { items, next: `${last.subject_kind}/${last.subject}` };
}

/**
 * Lets an actor or a team call an endpoint, or changes the limits. Throws `endpoint_not_found`, `actor_not_found`,
 * `team_not_found`; and where it lets more than before, what the endpoint says that takes no new callers.
 */
export async function setAccess(
  room: IdentityRoom,
  port: EndpointPort,
  caller: Caller,
  on: AccessSubject,
  wish: {
    readonly ratePerSecond: number | null;
    readonly requestsPerDay: number | null;
    readonly expiresInDays: number | null;
  },
): Promise<AccessRule> {
  const team = await findEndpoint(room, port, caller, 'access.set', on.endpoint);
  const subject = await findSubject(room, on);
  const now = room.parts.clock.now();
  const row = {
    endpoint: on.endpoint,
    subject_kind: on.subjectKind,
    subject: subject.id,
    rate_per_second: wish.ratePerSecond,
    requests_per_day: wish.requestsPerDay,
    expires_at: wish.expiresInDays === null ? null : now + wish.expiresInDays * dayMs,
    created_at: now,
    created_by: caller.actor.id,
  };
  await changeIdentity(room, caller, async (tx) => {
    // It may have ended meanwhile; a rule that stayed would be for whoever takes the name next.
    if ((await port.team(on.endpoint, tx)) !== team) throw port.missing(on.endpoint);
    if (isWider(await ruleOf(tx, row), row, now)) await port.refuseNewCallers(on.endpoint, tx);
    const { endpoint: _e, subject_kind: _k, subject: _s, ...change } = row;
    await tx
      .withTables<IdentityTables>()
      .insertInto('endpoint_access')
      .values(row)
      .onConflict((conflict) => conflict.columns(['endpoint', 'subject_kind', 'subject']).doUpdateSet(change))
      .execute();
    return {
      result: undefined,
      entry: {
        action: 'access.set',
        subject: { kind: 'endpoint', id: on.endpoint },
        team,
        ctx: {
          given: true,
          [on.subjectKind]: subject.id,
          ratePerSecond: wish.ratePerSecond === null ? null : String(wish.ratePerSecond),
          requestsPerDay: wish.requestsPerDay,
          expiresAt: row.expires_at,
        },
      },
    };
  });
  return render({ ...row, name: subject.name });
}

/** Ends a rule. Throws `endpoint_not_found`, `access_not_found`. */
export async function endAccess(
  room: IdentityRoom,
  port: EndpointPort,
  caller: Caller,
  on: AccessSubject,
): Promise<void> {
  const team = await findEndpoint(room, port, caller, 'access.set', on.endpoint);
  const subject = await findSubject(room, on);
  await changeIdentity(room, caller, async (tx) => {
    const result = await tx
      .withTables<IdentityTables>()
      .deleteFrom('endpoint_access')
      .where('endpoint', '=', on.endpoint)
      .where('subject_kind', '=', on.subjectKind)
      .where('subject', '=', subject.id)
      .executeTakeFirst();
    if (result.numDeletedRows === 0n)
      throw new MusterError('access_not_found', `no rule lets ${on.subject} call ${on.endpoint}`);
    return {
      result: undefined,
      entry: {
        action: 'access.set',
        subject: { kind: 'endpoint', id: on.endpoint },
        team,
        ctx: { given: false, [on.subjectKind]: subject.id },
      },
    };
  });
}

/** The owner of an endpoint that the caller may do this with. Throws `endpoint_not_found`, `not_allowed`. */
async function findEndpoint(
  room: IdentityRoom,
  port: EndpointPort,
  caller: Caller,
  action: 'access.read' | 'access.set',
  name: string,
): Promise<string> {
  const missing = (): MusterError => port.missing(name);
  const team = await port.team(name);
  if (team === undefined) throw missing();
  room.authorize(caller, action, { kind: 'endpoint', id: name, team, missing });
  return team;
}

/** Whom a rule names: whoever may set rules learns whether a name is somebody's, for they could set none otherwise. */
async function findSubject(
  room: IdentityRoom,
  on: AccessSubject,
): Promise<{ readonly id: string; readonly name: string }> {
  const { reader } = room.parts.database;
  if (on.subjectKind === 'actor') {
    const actor = await actorByReference(reader, on.subject);
    if (actor === undefined) throw actorNotFound(on.subject);
    return { id: actor.id, name: actor.name };
  }
  const team = await teamByName(reader, on.subject);
  if (team === undefined) throw teamNotFound(on.subject);
  return { id: team.name, name: team.name };
}

async function ruleOf(
  tx: Tx,
  { endpoint, subject_kind: kind, subject }: IdentityTables['endpoint_access'],
): Promise<IdentityTables['endpoint_access'] | undefined> {
  return await tx
    .withTables<IdentityTables>()
    .selectFrom('endpoint_access')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('subject_kind', '=', kind)
    .where('subject', '=', subject)
    .executeTakeFirst();
}

async function rulesOf({ reader }: Database, endpoint: string, after: string | undefined, limit: number) {
  const [kind = '', subject = ''] = after?.split('/', 2) ?? [];
  return await reader
    .withTables<IdentityTables>()
    .selectFrom('endpoint_access')
    .leftJoin('actor', 'actor.id', 'endpoint_access.subject')
    .selectAll('endpoint_access')
    .select('actor.name')
    .where('endpoint', '=', endpoint)
    .where((where) =>
      where.or([
        where('subject_kind', '>', kind as 'actor'),
        where.and([where('subject_kind', '=', kind as 'actor'), where('subject', '>', subject)]),
      ]),
    )
    .orderBy('subject_kind')
    .orderBy('subject')
    .limit(limit)
    .execute();
}

function render(row: IdentityTables['endpoint_access'] & { readonly name: string | null }): AccessRule {
  return {
    subjectKind: row.subject_kind,
    subject: row.subject,
    subjectName: row.name ?? row.subject,
    ratePerSecond: row.rate_per_second,
    requestsPerDay: row.requests_per_day,
    expiresAt: row.expires_at === null ? null : new Date(row.expires_at).toISOString(),
    createdAt: new Date(row.created_at).toISOString(),
    createdBy: row.created_by,
  };
}
