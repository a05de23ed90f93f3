import { type ActorDetail, type Member, MusterError, type PlatformRole, type Role } from '@muster-ml/protocol';
import type { Caller } from './actor.ts';
import { keepAnAdmin, render } from './actors.ts';
import { changeIdentity } from './change-identity.ts';
import { type IdentityRoom, actorNotFound } from './identity.ts';
import { type ActorRecord, actorByReference, admins, giveRole, members, takeRole } from './people-store.ts';
import { findTeam } from './teams.ts';

export interface TeamRole {
  readonly team: string;
  readonly actor: string;
  readonly role: Role;
}

/** Gives a role in a team, by hand. Nobody gives one to themselves. Throws `team_not_found`, `actor_not_found`. */
export async function grantRole(room: IdentityRoom, caller: Caller, wish: TeamRole): Promise<Member> {
  const { actor: found, ...about } = await aboutWhom(room, wish.actor);
  await findTeam(room, caller, 'role.set', wish.team, about);
  const actor = known(found, wish.actor);
  await change(room, caller, actor.id, wish.team, wish.role, true);
  return await memberOf(room, wish.team, actor);
}

/**
 * Takes a role in a team back, as far as it was given by hand; also from oneself. What a spec or a directory gives stays.
 * Throws `team_not_found`, `actor_not_found`, `role_not_held`.
 */
export async function revokeRole(room: IdentityRoom, caller: Caller, wish: TeamRole): Promise<Member> {
  const { actor: found } = await aboutWhom(room, wish.actor);
  await findTeam(room, caller, 'role.set', wish.team);
  const actor = known(found, wish.actor);
  await change(room, caller, actor.id, wish.team, wish.role, false);
  return await memberOf(room, wish.team, actor);
}

export interface InstallationRole {
  readonly actor: string;
  readonly role: PlatformRole;
}

/** Gives a role for the whole installation. Throws `actor_not_found`. */
export async function grantPlatformRole(
  room: IdentityRoom,
  caller: Caller,
  wish: InstallationRole,
): Promise<ActorDetail> {
  const { actor: found, ...about } = await aboutWhom(room, wish.actor);
  room.authorize(caller, 'role.set', { kind: 'installation', id: 'roles', ...about });
  const actor = known(found, wish.actor);
  await change(room, caller, actor.id, undefined, wish.role, true);
  return await reread(room, caller, actor);
}

/** Takes a role for the whole installation back. Throws `actor_not_found`, `role_not_held`, `last_admin`. */
export async function revokePlatformRole(
  room: IdentityRoom,
  caller: Caller,
  wish: InstallationRole,
): Promise<ActorDetail> {
  const { actor: found } = await aboutWhom(room, wish.actor);
  room.authorize(caller, 'role.set', { kind: 'installation', id: 'roles' });
  const actor = known(found, wish.actor);
  await change(room, caller, actor.id, undefined, wish.role, false);
  return await reread(room, caller, actor);
}

async function change(
  room: IdentityRoom,
  caller: Caller,
  actor: string,
  team: string | undefined,
  role: Role,
  isGiven: boolean,
): Promise<void> {
  await changeIdentity(room, caller, async (tx) => {
    const held = { actor, team, role };
    const isChanged = isGiven ? await giveRole(tx, held, room.parts.clock.now()) : await takeRole(tx, held);
    if (!isGiven && !isChanged)
      throw new MusterError('role_not_held', `${role} ${team === undefined ? '' : `in ${team} `}was not given by hand`);
    if (!isGiven && team === undefined && role === 'admin') await keepAnAdmin(tx);
    return {
      result: undefined,
      entry: isChanged
        ? {
            action: 'role.set',
            subject: { kind: 'actor', id: actor },
            team: team ?? null,
            ctx: { role, given: isGiven, source: 'local' },
          }
        : undefined,
    };
  });
}

/** Whom a role is about, and whether nobody else could give it: the only admin may give themselves what is missing. */
async function aboutWhom(
  room: IdentityRoom,
  reference: string,
): Promise<{ readonly actor: ActorRecord | undefined; readonly owner: string; readonly isOnlyAdmin: boolean }> {
  const { reader } = room.parts.database;
  const actor = await actorByReference(reader, reference);
  const all = await admins(reader);
  return { actor, owner: actor?.id ?? '', isOnlyAdmin: all.length === 1 && all[0] === actor?.id };
}

/** Who may give roles learns whether a name is somebody's: they could not give any otherwise. */
function known(actor: ActorRecord | undefined, reference: string): ActorRecord {
  if (actor === undefined) throw actorNotFound(reference);
  return actor;
}

async function memberOf(room: IdentityRoom, team: string, actor: ActorRecord): Promise<Member> {
  const [member] = await members(room.parts.database.reader, team, { limit: 1, actor: actor.id });
  if (member === undefined) return { actor: actor.id, name: actor.name, kind: actor.kind, roles: [] };
  const { key: _key, ...shown } = member;
  return shown;
}

async function reread(room: IdentityRoom, caller: Caller, actor: ActorRecord): Promise<ActorDetail> {
  return render(room, caller, (await actorByReference(room.parts.database.reader, actor.id)) ?? actor);
}
