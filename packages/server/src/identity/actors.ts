import { type ActorDetail, MusterError, type Page, type PageQuery, foldName } from '@muster-ml/protocol';
import { isUniqueViolation } from '../platform/database/index.ts';
import type { Caller, Resource } from './actor.ts';
import { changeIdentity } from './change-identity.ts';
import { type IdentityRoom, actorNotFound } from './identity.ts';
import { type ActorRecord, actorByReference, actorsAfter, admins, changeActor, insertActor } from './people-store.ts';
import { findTeam } from './teams.ts';

/** People and service accounts that the caller may see, by name. */
export async function listActors(room: IdentityRoom, caller: Caller, query: PageQuery): Promise<Page<ActorDetail>> {
  const actors = await actorsAfter(room.parts.database.reader, {
    scope: room.scope(caller, 'actor.read'),
    after: query.after,
    limit: query.limit + 1,
  });
  const shown = actors.slice(0, query.limit);
  const last = actors.length > query.limit ? shown.at(-1) : undefined;
  const items = shown.map((actor) => render(room, caller, actor));
  return last === undefined ? { items } : { items, next: foldName(last.name) };
}

/** One actor by id or name. Throws `actor_not_found`. */
export async function getActor(room: IdentityRoom, caller: Caller, reference: string): Promise<ActorDetail> {
  return render(room, caller, await findActor(room, caller, 'actor.read', reference));
}

/**
 * Adds a person, or a service account, which belongs to a team. Neither holds a role or a token yet. Throws
 * `actor_exists`, `team_not_found`.
 */
export async function createActor(
  room: IdentityRoom,
  caller: Caller,
  wish: { readonly name: string; readonly kind: 'person' | 'service'; readonly team?: string | undefined },
): Promise<ActorDetail> {
  const { clock, newId } = room.parts;
  const team = wish.kind === 'service' ? await teamOfService(room, caller, wish.team) : refuseTeam(wish.team);
  room.authorize(caller, 'actor.create', { kind: 'actor', id: wish.name, team });
  const actor = { id: newId(), kind: wish.kind, name: wish.name, team: team ?? null, createdAt: clock.now() };
  await unlessTaken(wish.name, async () => {
    await changeIdentity(room, caller, async (tx) => {
      await insertActor(tx, actor);
      return {
        result: undefined,
        entry: {
          action: 'actor.create',
          subject: { kind: 'actor', id: actor.id },
          team: actor.team,
          ctx: { kind: actor.kind },
        },
      };
    });
  });
  return render(room, caller, { ...actor, disabledAt: null, teams: {}, platformRoles: [] });
}

/** Renames, disables or enables. Throws `actor_not_found`, `actor_exists`, `last_admin`. */
export async function updateActor(
  room: IdentityRoom,
  caller: Caller,
  reference: string,
  wish: { readonly name?: string | undefined; readonly disabled?: boolean | undefined },
): Promise<ActorDetail> {
  const { clock, database } = room.parts;
  const known = await findActor(room, caller, 'actor.update', reference);
  const name = wish.name ?? known.name;
  const wasDisabled = known.disabledAt !== null;
  const isDisabled = wish.disabled ?? wasDisabled;
  await unlessTaken(name, async () => {
    await changeIdentity(room, caller, async (tx) => {
      const disabledAt = isDisabled ? (known.disabledAt ?? clock.now()) : null;
      await changeActor(tx, known.id, { name, disabledAt });
      if (isDisabled && !wasDisabled) await keepAnAdmin(tx);
      const isChanged = name !== known.name || isDisabled !== wasDisabled;
      return {
        result: undefined,
        entry: isChanged
          ? {
              action: 'actor.update',
              subject: { kind: 'actor', id: known.id },
              team: known.team,
              ctx: { disabled: isDisabled, renamed: name !== known.name },
            }
          : undefined,
      };
    });
  });
  return render(room, caller, (await actorByReference(database.reader, known.id)) ?? known);
}

/** Throws `last_admin` where the transaction would leave no person who is admin of the installation. */
export async function keepAnAdmin(tx: Parameters<typeof admins>[0]): Promise<void> {
  if ((await admins(tx)).length === 0)
    throw new MusterError('last_admin', 'nobody would be admin of this installation any more');
}

/** The actor, if the caller may see it and do this with it. Throws `actor_not_found`, `not_allowed`. */
async function findActor(
  room: IdentityRoom,
  caller: Caller,
  action: 'actor.read' | 'actor.update',
  reference: string,
): Promise<ActorRecord> {
  const missing = (): MusterError => actorNotFound(reference);
  const actor = await actorByReference(room.parts.database.reader, reference);
  if (actor === undefined) throw missing();
  room.authorize(caller, action, { ...actorResource(actor), missing });
  return actor;
}

/** An actor as a resource: it is its own, and a service account is its team's. */
export function actorResource(actor: Pick<ActorRecord, 'id' | 'team'>): Resource {
  return { kind: 'actor', id: actor.id, team: actor.team ?? undefined, owner: actor.id };
}

/** As the API shows an actor: with roles in the teams that the caller sees. */
export function render(room: IdentityRoom, caller: Caller, actor: ActorRecord): ActorDetail {
  const isOwn = actor.id === caller.actor.id;
  const sees = (team: string): boolean => isOwn || room.may(caller, 'team.read', { kind: 'team', id: team, team });
  return {
    id: actor.id,
    kind: actor.kind,
    name: actor.name,
    team: actor.team,
    disabled: actor.disabledAt !== null,
    createdAt: new Date(actor.createdAt).toISOString(),
    platformRoles: [...actor.platformRoles],
    teams: Object.fromEntries(
      Object.entries(actor.teams)
        .filter(([team]) => sees(team))
        .map(([team, roles]) => [team, [...roles]]),
    ),
  };
}

async function teamOfService(room: IdentityRoom, caller: Caller, team: string | undefined): Promise<string> {
  if (team === undefined)
    throw new MusterError('invalid_request', 'a service account belongs to a team, and none is named', {
      place: 'body.team',
      remedy: 'Name the team that answers for it.',
    });
  return (await findTeam(room, caller, 'team.read', team)).name;
}

function refuseTeam(team: string | undefined): undefined {
  if (team !== undefined)
    throw new MusterError('invalid_request', 'a person belongs to no team, but may hold roles in any', {
      place: 'body.team',
      remedy: 'Leave the team out, and give the person a role in it afterwards.',
    });
  return undefined;
}

async function unlessTaken(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isUniqueViolation(error, 'actor'))
      throw new MusterError('actor_exists', `the name ${name} is taken`, { place: 'body.name', cause: error });
    throw error;
  }
}
