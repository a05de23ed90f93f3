import { foldName } from '@muster-ml/protocol';
import type { Member, PlatformRole, Role } from '@muster-ml/protocol';
import { roles } from '@muster-ml/protocol';
import { type Kysely, sql } from 'kysely';
import type { Tx } from '../platform/database/index.ts';
import type { Scope } from './actor.ts';
import { knownPlatformRoles, knownRoles } from './decide.ts';
import { inScope } from './in-scope.ts';
import type { IdentityTables } from './tables.ts';

/** An actor as its row says, with all roles. */
export interface ActorRecord {
  readonly id: string;
  readonly kind: 'person' | 'service';
  readonly name: string;
  readonly team: string | null;
  readonly disabledAt: number | null;
  readonly createdAt: number;
  readonly teams: Readonly<Record<string, readonly Role[]>>;
  readonly platformRoles: readonly PlatformRole[];
}

export interface TeamRecord {
  readonly name: string;
  readonly description: string;
  readonly members: number;
  readonly createdAt: number;
}

type Db = Kysely<unknown>;

/** A page of names: those after `after`, in order. */
export interface NamePage {
  readonly scope: Scope;
  readonly after: string | undefined;
  readonly limit: number;
}

const tables = (db: Db): Kysely<IdentityTables> => db.withTables<IdentityTables>();

/** By id or by name; an id wins. */
export async function actorByReference(db: Db, reference: string): Promise<ActorRecord | undefined> {
  const row = await tables(db)
    .selectFrom('actor')
    .selectAll()
    .where((where) => where.or([where('id', '=', reference), where('folded_name', '=', foldName(reference))]))
    .orderBy(({ eb }) => eb('id', '=', reference), 'desc')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const [record] = await withRoles(db, [row]);
  return record;
}

export async function actorsAfter(db: Db, page: NamePage): Promise<readonly ActorRecord[]> {
  const rows = await tables(db)
    .selectFrom('actor')
    .selectAll()
    .where(inScope(page.scope, { team: 'actor.team', owner: 'actor.id' }))
    .where('folded_name', '>', page.after ?? '')
    .orderBy('folded_name')
    .limit(page.limit)
    .execute();
  return await withRoles(db, rows);
}

export async function insertActor(
  tx: Tx,
  actor: Pick<ActorRecord, 'id' | 'kind' | 'name' | 'team' | 'createdAt'>,
): Promise<void> {
  await tables(tx)
    .insertInto('actor')
    .values({
      id: actor.id,
      kind: actor.kind,
      name: actor.name,
      folded_name: foldName(actor.name),
      team: actor.team,
      disabled_at: null,
      created_at: actor.createdAt,
    })
    .execute();
}

export async function changeActor(
  tx: Tx,
  id: string,
  change: { readonly name: string; readonly disabledAt: number | null },
): Promise<void> {
  await tables(tx)
    .updateTable('actor')
    .set({ name: change.name, folded_name: foldName(change.name), disabled_at: change.disabledAt })
    .where('id', '=', id)
    .execute();
}

/** Persons who are admin of the installation and may act. */
export async function admins(db: Db): Promise<readonly string[]> {
  const rows = await tables(db)
    .selectFrom('platform_role')
    .innerJoin('actor', 'actor.id', 'platform_role.actor')
    .select('actor.id')
    .distinct()
    .where('role', '=', 'admin')
    .where('kind', '=', 'person')
    .where('disabled_at', 'is', null)
    .execute();
  return rows.map((row) => row.id);
}

export interface HeldRole {
  readonly actor: string;
  readonly team: string | undefined;
  readonly role: string;
}

/** Whether it was not held by hand before. */
export async function giveRole(tx: Tx, { actor, team, role }: HeldRole, now: number): Promise<boolean> {
  const row = { actor, role, source: 'local', created_at: now };
  const result =
    team === undefined
      ? await tables(tx)
          .insertInto('platform_role')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
      : await tables(tx)
          .insertInto('membership')
          .values({ ...row, team })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Whether it was held by hand, or since the first start. */
export async function takeRole(tx: Tx, { actor, team, role }: HeldRole): Promise<boolean> {
  const byHand = ['local', 'first start'];
  const result =
    team === undefined
      ? await tables(tx)
          .deleteFrom('platform_role')
          .where('actor', '=', actor)
          .where('role', '=', role)
          .where('source', 'in', byHand)
          .executeTakeFirst()
      : await tables(tx)
          .deleteFrom('membership')
          .where('actor', '=', actor)
          .where('team', '=', team)
          .where('role', '=', role)
          .where('source', 'in', byHand)
          .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function teamByName(db: Db, name: string): Promise<TeamRecord | undefined> {
  const row = await selectTeams(db).where('team.name', '=', name).executeTakeFirst();
  return row === undefined ? undefined : toTeam(row);
}

export async function teamsAfter(db: Db, page: NamePage): Promise<readonly TeamRecord[]> {
  const rows = await selectTeams(db)
    .where(inScope(page.scope, { team: 'team.name' }))
    .where('team.name', '>', page.after ?? '')
    .orderBy('team.name')
    .limit(page.limit)
    .execute();
  return rows.map(toTeam);
}

export async function insertTeam(tx: Tx, team: Omit<TeamRecord, 'members'>): Promise<void> {
  await tables(tx)
    .insertInto('team')
    .values({ name: team.name, description: team.description, created_at: team.createdAt })
    .execute();
}

export async function describeTeam(tx: Tx, name: string, description: string): Promise<void> {
  await tables(tx).updateTable('team').set({ description }).where('name', '=', name).execute();
}

/** Members of a team by name, each with roles and where they come from; one actor only, if `actor` is given. */
export async function members(
  db: Db,
  team: string,
  page: { readonly after?: string | undefined; readonly limit: number; readonly actor?: string },
): Promise<readonly (Member & { readonly key: string })[]> {
  let query = tables(db)
    .selectFrom('actor')
    .select(['actor.id', 'actor.name', 'actor.kind', 'actor.folded_name'])
    .where('actor.id', 'in', (in_) => in_.selectFrom('membership').select('actor').where('team', '=', team))
    .where('folded_name', '>', page.after ?? '');
  if (page.actor !== undefined) query = query.where('actor.id', '=', page.actor);
  const actors = await query.orderBy('folded_name').limit(page.limit).execute();
  if (actors.length === 0) return [];
  const held = await tables(db)
    .selectFrom('membership')
    .select(['actor', 'role', 'source'])
    .where('team', '=', team)
    .where(
      'actor',
      'in',
      actors.map((actor) => actor.id),
    )
    .execute();
  return actors.map(({ id, name, kind, folded_name }) => ({
    actor: id,
    name,
    kind,
    key: folded_name,
    roles: roles.flatMap((role) => {
      const sources = held.filter((row) => row.actor === id && row.role === role).map((row) => row.source);
      return sources.length === 0 ? [] : [{ role, sources: sources as Member['roles'][number]['sources'] }];
    }),
  }));
}

function selectTeams(db: Db) {
  return tables(db)
    .selectFrom('team')
    .select(['team.name', 'team.description', 'team.created_at'])
    .select((team) =>
      team
        .selectFrom('membership')
        .select(sql<number>`count(distinct membership.actor)`.as('members'))
        .whereRef('membership.team', '=', 'team.name')
        .as('members'),
    );
}

function toTeam(row: {
  readonly name: string;
  readonly description: string;
  readonly created_at: number;
  readonly members: number | null;
}): TeamRecord {
  return { name: row.name, description: row.description, members: row.members ?? 0, createdAt: row.created_at };
}

async function withRoles(db: Db, rows: readonly IdentityTables['actor'][]): Promise<readonly ActorRecord[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const held = await tables(db)
    .selectFrom('membership')
    .select(['actor', 'team', 'role'])
    .where('actor', 'in', ids)
    .execute();
  const platform = await tables(db)
    .selectFrom('platform_role')
    .select(['actor', 'role'])
    .where('actor', 'in', ids)
    .execute();
  return rows.map((row) => {
    const own = held.filter(({ actor }) => actor === row.id);
    const teams = [...new Set(own.map(({ team }) => team))].toSorted();
    return {
      id: row.id,
      kind: row.kind,
      name: row.name,
      team: row.team,
      disabledAt: row.disabled_at,
      createdAt: row.created_at,
      teams: Object.fromEntries(
        teams.map((team) => [team, knownRoles(own.filter((other) => other.team === team).map(({ role }) => role))]),
      ),
      platformRoles: knownPlatformRoles(platform.filter(({ actor }) => actor === row.id).map(({ role }) => role)),
    };
  });
}
