import { type Action, MusterError, type Page, type PageQuery, type Token } from '@muster-ml/protocol';
import type { Caller, TokenLimits } from './actor.ts';
import { actorResource } from './actors.ts';
import { changeIdentity } from './change-identity.ts';
import { type IdentityRoom, actorNotFound } from './identity.ts';
import { type ActorRecord, actorByReference } from './people-store.ts';
import { looksLikeToken, newToken, tokenDigest } from './token.ts';
import { type TokenRecord, revoke, tokenById, tokenWithDigest, tokensOf } from './token-store.ts';

const dayMs = 86_400_000;

/** Tokens of an actor, newest first; the caller's own where none is named. Throws `actor_not_found`. */
export async function listTokens(
  room: IdentityRoom,
  caller: Caller,
  query: PageQuery & { readonly actor?: string | undefined },
): Promise<Page<Token>> {
  const owner = await ownerOf(room, caller, 'token.read', query.actor);
  const found = await tokensOf(room.parts.database, owner.id, { after: query.after, limit: query.limit + 1 });
  const shown = found.slice(0, query.limit);
  const items = shown.map((token) => render(token, room.parts.clock.now()));
  return found.length > query.limit ? { items, next: shown.at(-1)?.id } : { items };
}

export interface TokenWish {
  readonly actor?: string | undefined;
  readonly note: string;
  readonly expiresInDays: number;
  readonly actions?: readonly Action[] | undefined;
  readonly resources?: readonly string[] | undefined;
}

/**
 * Makes a token; the answer is the only one that ever holds it. A token that is limited itself makes none that is limited
 * less. Throws `actor_not_found`, `token_limits`.
 */
export async function createToken(
  room: IdentityRoom,
  caller: Caller,
  wish: TokenWish,
): Promise<Token & { readonly token: string }> {
  const { clock, newId } = room.parts;
  const owner = await ownerOf(room, caller, 'token.create', wish.actor);
  const actions = withinLimit('actions', wish.actions, caller.actor.token?.actions);
  const resources = withinLimit('resources', wish.resources, caller.actor.token?.resources);
  const kind = isForEndpoints(resources) ? 'endpoint' : owner.kind === 'service' ? 'service' : 'personal';
  const token = newToken(kind);
  const now = clock.now();
  const expiresAt = earliest(now + wish.expiresInDays * dayMs, caller.actor.token);
  const made = {
    id: newId(),
    actor: owner.id,
    kind,
    note: wish.note,
    last4: token.slice(-4),
    actions,
    resources,
    expiresAt,
  } as const;
  await changeIdentity(room, caller, async (tx) => {
    await room.store.addToken(tx, { ...made, digest: tokenDigest(token), createdBy: caller.actor.id, now });
    return {
      result: undefined,
      entry: {
        action: 'token.create',
        subject: { kind: 'token', id: made.id },
        team: owner.team,
        ctx: {
          actor: owner.id,
          kind,
          expiresAt,
          ...(actions === null ? {} : { actions }),
          ...(resources === null ? {} : { resources }),
        },
      },
    };
  });
  const record = {
    ...made,
    actorName: owner.name,
    actorTeam: owner.team,
    createdAt: now,
    revokedAt: null,
    lastUsedAt: null,
  };
  return { ...render(record, now), token };
}

/** Ends a token at once; ending it again changes nothing. Throws `token_not_found`. */
export async function revokeToken(room: IdentityRoom, caller: Caller, id: string): Promise<void> {
  const missing = (): MusterError => new MusterError('token_not_found', `there is no token ${id}`);
  const token = await tokenById(room.parts.database, id);
  if (token === undefined) throw missing();
  room.authorize(caller, 'token.revoke', {
    kind: 'token',
    id,
    owner: token.actor,
    team: token.actorTeam ?? undefined,
    missing,
  });
  await end(room, caller, token, 'token.revoke');
}

/** Ends the token that is presented: whoever found it does not have to own it. Says whether there was one to end. */
export async function reportToken(
  room: IdentityRoom,
  caller: Caller,
  found: string,
): Promise<{ readonly revoked: boolean }> {
  room.authorize(caller, 'token.report', { kind: 'installation', id: 'tokens' });
  if (!looksLikeToken(found)) return { revoked: false };
  const token = await tokenWithDigest(room.parts.database, tokenDigest(found));
  if (token === undefined || token.revokedAt !== null) return { revoked: false };
  await end(room, caller, token, 'token.report');
  return { revoked: true };
}

async function end(
  room: IdentityRoom,
  caller: Caller,
  token: TokenRecord,
  action: 'token.revoke' | 'token.report',
): Promise<void> {
  await changeIdentity(room, caller, async (tx) => {
    const isChanged = await revoke(tx, token.id, room.parts.clock.now());
    return {
      result: undefined,
      entry: isChanged
        ? {
            action,
            subject: { kind: 'token', id: token.id },
            team: token.actorTeam,
            ctx: { actor: token.actor },
          }
        : undefined,
    };
  });
}

/** Whose tokens it is about; the caller's where nobody is named. Who may not see the actor gets `actor_not_found`. */
async function ownerOf(
  room: IdentityRoom,
  caller: Caller,
  action: 'token.read' | 'token.create',
  reference: string | undefined,
): Promise<ActorRecord> {
  const wanted = reference ?? caller.actor.id;
  const missing = (): MusterError => actorNotFound(wanted);
  const owner = await actorByReference(room.parts.database.reader, wanted);
  if (owner === undefined) throw missing();
  // Whether an actor exists is about the actor, what is done is about its tokens: the first is asked first.
  if (owner.id !== caller.actor.id) room.authorize(caller, 'actor.read', { ...actorResource(owner), missing });
  room.authorize(caller, action, { ...actorResource(owner), kind: 'token' });
  if (action === 'token.create' && owner.id !== caller.actor.id) refuseOthersRights(room, caller, owner);
  return owner;
}

/**
 * A token for somebody else acts with all that they hold: whoever makes it has to answer for each of the places. Else an
 * admin of a team could take what another team, or the installation, has given to a service account of theirs. Throws
 * `token_limits`.
 */
function refuseOthersRights(room: IdentityRoom, caller: Caller, owner: ActorRecord): void {
  const elsewhere = Object.keys(owner.teams).filter(
    (team) => !room.may(caller, 'token.create', { kind: 'token', id: 'new', team }),
  );
  const isBeyond = owner.platformRoles.length > 0 && !room.may(caller, 'token.create', { kind: 'token', id: 'new' });
  if (elsewhere.length === 0 && !isBeyond) return;
  throw new MusterError('token_limits', `${owner.name} also holds roles where you are no admin`, {
    place: 'body.actor',
    remedy: 'Ask an admin of the installation to make the token.',
  });
}

/** What is asked for, if the caller's own token has it; what it has, where nothing is asked for. Throws `token_limits`. */
function withinLimit<T extends string>(
  what: 'actions' | 'resources',
  wanted: readonly T[] | undefined,
  limit: readonly T[] | null | undefined,
): readonly T[] | null {
  const unique = wanted === undefined ? null : [...new Set(wanted)].toSorted();
  if (limit === undefined || limit === null) return unique;
  const beyond = unique?.find((one) => !limit.includes(one));
  if (beyond !== undefined)
    throw new MusterError('token_limits', `the token that asks does not have ${beyond} itself`, {
      place: `body.${what}`,
    });
  return unique ?? limit;
}

/** A limited token makes none that outlives it. */
function earliest(wanted: number, token: TokenLimits | undefined): number {
  const isLimited = token !== undefined && (token.actions !== null || token.resources !== null);
  return isLimited && token.expiresAt !== null ? Math.min(wanted, token.expiresAt) : wanted;
}

function isForEndpoints(resources: readonly string[] | null): boolean {
  return resources !== null && resources.every((resource) => resource.startsWith('endpoint/'));
}

function render(token: TokenRecord, now: number): Token {
  const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
  const isExpired = token.expiresAt !== null && token.expiresAt <= now;
  return {
    id: token.id,
    actor: token.actor,
    actorName: token.actorName,
    kind: token.kind,
    note: token.note,
    last4: token.last4,
    actions: token.actions === null ? null : [...token.actions],
    resources: token.resources === null ? null : [...token.resources],
    state: token.revokedAt !== null ? 'revoked' : isExpired ? 'expired' : 'live',
    createdAt: new Date(token.createdAt).toISOString(),
    expiresAt: time(token.expiresAt),
    lastUsedAt: time(token.lastUsedAt),
  };
}
