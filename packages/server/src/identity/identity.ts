import { MusterError } from '@muster-ml/protocol';
import type { Ledger } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Actor, Identity } from './actor.ts';
import { type IdentityStore, type KnownActor, createIdentityStore } from './store.ts';
import { looksLikeToken, newToken, tokenDigest } from './token.ts';

/** The team that the first start makes. */
const defaultTeam = 'default';

export interface IdentityParts {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** Identity with what only the start of the installation uses. */
export interface IdentityRoom extends Identity {
  /** Id of this installation, made at the first start. */
  installationId(): Promise<string>;
  /**
   * At the first start makes team `default`, its admin and a token, and returns the token, which is shown to nobody
   * again; later undefined, unless `renew`: then the admin gets one more token (the old file was lost).
   */
  ensureAdmin(options: { readonly name: string; readonly renew: boolean }): Promise<string | undefined>;
}

export function createIdentity(parts: IdentityParts): IdentityRoom {
  const { clock } = parts;
  const store = createIdentityStore(parts.database);

  async function authenticate(token: string | undefined): Promise<Actor> {
    if (token === undefined || token === '') throw new MusterError('token_missing', 'the request carries no token');
    const known = looksLikeToken(token) ? await store.tokenByDigest(tokenDigest(token)) : undefined;
    if (known === undefined) throw new MusterError('token_invalid', 'the token is unknown here');
    if (known.expiresAt !== null && known.expiresAt <= clock.now())
      throw new MusterError('token_expired', 'the token has expired');
    const teams = teamsOf(known.memberships);
    return { id: known.actor, kind: known.kind, name: known.name, teams, tokenId: known.tokenId };
  }

  return {
    authenticate,
    async actorById(id) {
      const known = await store.actorById(id);
      if (known === undefined) throw new MusterError('token_invalid', `there is no actor ${id}`);
      return { id, kind: known.kind, name: known.name, teams: teamsOf(known.memberships) };
    },
    authorize(caller, action, resource) {
      if (isAdmin(caller.actor)) return;
      throw new MusterError('not_allowed', `${action} on ${resource.kind} ${resource.id} needs the role admin`, {
        details: { action, resource: `${resource.kind}/${resource.id}` },
      });
    },
    visibleTeams: (actor) => (isAdmin(actor) ? '*' : Object.keys(actor.teams)),
    countPersonsWithTokens: async () => await store.countPersonsWithTokens(clock.now()),
    grants: async () => await store.grants(),
    async installationId() {
      const id = await store.installationId();
      if (id === undefined)
        throw new MusterError('internal_error', 'the installation has no id before its first start is done');
      return id;
    },
    ensureAdmin: async (options) => await ensureAdmin(parts, store, options),
  };
}

function teamsOf(memberships: KnownActor['memberships']): Actor['teams'] {
  const teams: Record<string, string[]> = {};
  for (const { team, role } of memberships) (teams[team] ??= []).push(role);
  return teams;
}

/** Roles come with the identity room's next stage; until then the one role there is decides. */
function isAdmin(actor: Actor): boolean {
  return Object.values(actor.teams).some((roles) => roles.includes('admin'));
}

async function ensureAdmin(
  parts: IdentityParts,
  store: IdentityStore,
  options: { readonly name: string; readonly renew: boolean },
): Promise<string | undefined> {
  const { database, ledger, clock, newId } = parts;
  const known = await store.firstAdmin();
  if (known !== undefined && !options.renew) return undefined;
  const token = newToken('personal');
  const tokenRow = { id: newId(), digest: tokenDigest(token), last4: token.slice(-4) };
  const actor = known ?? newId();
  const installation = newId();
  const now = clock.now();
  await database.inTransaction(async (tx) => {
    if (known === undefined)
      await store.createFirstAdmin(tx, {
        installation,
        actor,
        actorName: options.name,
        team: defaultTeam,
        token: tokenRow,
        now,
      });
    else await store.addToken(tx, { ...tokenRow, actor, now });
    await ledger.append(tx, {
      actor: { kind: 'system', id: 'supervisor' },
      action: known === undefined ? 'system.first-start' : 'system.admin-token',
      subject: { kind: 'actor', id: actor },
      team: defaultTeam,
      outcome: 'allowed',
      request: 'start',
      ctx: { token: tokenRow.id },
    });
  });
  return token;
}
