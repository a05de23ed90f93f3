import { type Member, MusterError, type Page, type PageQuery, type Team } from '@muster-ml/protocol';
import { isUniqueViolation } from '../platform/database/index.ts';
import type { Caller } from './actor.ts';
import { changeIdentity } from './change-identity.ts';
import type { IdentityRoom } from './identity.ts';
import { teamNotFound } from './team-not-found.ts';
import { type TeamRecord, describeTeam, insertTeam, members, teamByName, teamsAfter } from './people-store.ts';

/** Teams that the caller may see, by name. */
export async function listTeams(room: IdentityRoom, caller: Caller, query: PageQuery): Promise<Page<Team>> {
  const teams = await teamsAfter(room.parts.database.reader, {
    scope: room.scope(caller, 'team.read'),
    after: query.after,
    limit: query.limit + 1,
  });
  const shown = teams.slice(0, query.limit);
  const items = shown.map(render);
  return teams.length > query.limit ? { items, next: shown.at(-1)?.name } : { items };
}

/** One team. Throws `team_not_found`. */
export async function getTeam(room: IdentityRoom, caller: Caller, name: string): Promise<Team> {
  return render(await findTeam(room, caller, 'team.read', name));
}

/** Makes a team, in which nobody holds a role yet. Throws `team_exists`. */
export async function createTeam(
  room: IdentityRoom,
  caller: Caller,
  wish: { readonly name: string; readonly description: string },
): Promise<Team> {
  room.authorize(caller, 'team.create', { kind: 'team', id: wish.name });
  const team = { ...wish, createdAt: room.parts.clock.now() };
  try {
    await changeIdentity(room, caller, async (tx) => {
      await insertTeam(tx, team);
      return {
        result: undefined,
        entry: { action: 'team.create', subject: { kind: 'team', id: team.name }, team: team.name },
      };
    });
  } catch (error) {
    if (isUniqueViolation(error, 'team'))
      throw new MusterError('team_exists', `there is a team ${team.name}`, { place: 'body.name', cause: error });
    throw error;
  }
  return render({ ...team, members: 0 });
}

/** Changes the description. Throws `team_not_found`. */
export async function updateTeam(
  room: IdentityRoom,
  caller: Caller,
  name: string,
  wish: { readonly description: string },
): Promise<Team> {
  const team = await findTeam(room, caller, 'team.update', name);
  await changeIdentity(room, caller, async (tx) => {
    await describeTeam(tx, name, wish.description);
    const isChanged = wish.description !== team.description;
    return {
      result: undefined,
      entry: isChanged ? { action: 'team.update', subject: { kind: 'team', id: name }, team: name } : undefined,
    };
  });
  return render({ ...team, description: wish.description });
}

/** Who holds which role in a team, by name. Throws `team_not_found`. */
export async function listMembers(
  room: IdentityRoom,
  caller: Caller,
  name: string,
  query: PageQuery,
): Promise<Page<Member>> {
  await findTeam(room, caller, 'team.read', name);
  const found = await members(room.parts.database.reader, name, { after: query.after, limit: query.limit + 1 });
  const shown = found.slice(0, query.limit);
  const items = shown.map(({ key: _key, ...member }) => member);
  return found.length > query.limit ? { items, next: shown.at(-1)?.key } : { items };
}

/** A team, if the caller may see it and do this with it. Throws `team_not_found`, `not_allowed`. */
export async function findTeam(
  room: IdentityRoom,
  caller: Caller,
  action: 'team.read' | 'team.update' | 'role.set',
  name: string,
  about: { readonly owner?: string; readonly isOnlyAdmin?: boolean } = {},
): Promise<TeamRecord> {
  const missing = (): MusterError => teamNotFound(name);
  const team = await teamByName(room.parts.database.reader, name);
  if (team === undefined) throw missing();
  room.authorize(caller, action, { kind: 'team', id: name, team: name, missing, ...about });
  return team;
}

function render(team: TeamRecord): Team {
  return { ...team, createdAt: new Date(team.createdAt).toISOString() };
}
