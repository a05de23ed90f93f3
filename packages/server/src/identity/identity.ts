import { type Action, MusterError } from '@muster-ml/protocol';
import type { Ledger } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Actor, Identity } from './actor.ts';
import { type Circumstances, type Decision, decide, scopeOf } from './decide.ts';
import { type Denials, createDenials } from './denials.ts';
import { ensureAdmin } from './ensure-admin.ts';
import { readGatewayGrants } from './gateway-grants.ts';
import { type IdentityStore, type KnownActor, createIdentityStore } from './store.ts';
import { looksLikeToken, tokenDigest } from './token.ts';

export interface IdentityParts {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Name of the environment that this installation is; `prod` takes some actions from some roles. */
  readonly environment: string;
  /** Endpoints, by name with their team, whose access rules let only members of that team call them yet. */
  readonly heldBack?: (() => Promise<ReadonlyMap<string, string>>) | undefined;
}

/** Identity with what its own use cases and the start of the installation use. */
export interface IdentityRoom extends Identity {
  readonly parts: IdentityParts;
  readonly store: IdentityStore;
  readonly denials: Denials;
  readonly circumstances: Circumstances;
  /** After a commit that changed what anybody may do: gateways hear of it now. */
  changed(): void;
  /** Id of this installation, made at the first start. */
  installationId(): Promise<string>;
  /**
   * At the first start makes team `default`, its admin and a token, and returns the token, which is shown to nobody
   * again; later undefined, unless `renew`: then the admin gets one more token (the old file was lost).
   */
  ensureAdmin(options: { readonly name: string; readonly renew: boolean }): Promise<string | undefined>;
  /** Begins to write down refusals and uses of tokens. */
  start(onError: (error: unknown) => void): void;
  stop(): Promise<void>;
}

/** A use of a token is noted at most this often. */
const useEveryMs = 300_000;
/** Uses that wait to be noted; what is more is noted at the next use. */
const maxUses = 10_000;

export function createIdentity(parts: IdentityParts): IdentityRoom {
  const { clock, database } = parts;
  const store = createIdentityStore(database);
  const denials = createDenials(parts);
  const circumstances: Circumstances = { isProduction: parts.environment === 'prod' };
  const listeners = new Set<() => void>();
  const uses = createTokenUses(clock);

  const noteUses = async (): Promise<void> => {
    const used = uses.take();
    if (used.length > 0) await database.inTransaction(async (tx) => await store.touchTokens(tx, used));
  };
  let cancelUses = (): void => {};

  return {
    parts,
    store,
    denials,
    circumstances,

    async authenticate(token) {
      if (token === undefined || token === '') throw new MusterError('token_missing', 'the request carries no token');
      const now = clock.now();
      const known = looksLikeToken(token) ? await store.tokenByDigest(tokenDigest(token), now) : undefined;
      if (known === undefined || known.actor.isDisabled)
        throw new MusterError('token_invalid', 'the token is unknown here');
      if (known.token.expiresAt !== null && known.token.expiresAt <= now)
        throw new MusterError('token_expired', 'the token has expired');
      uses.note(known.token.id);
      return { ...actorOf(known.actor), token: known.token };
    },

    async actorById(id) {
      const known = await store.actorById(id, clock.now());
      if (known === undefined || known.isDisabled)
        throw new MusterError('token_invalid', `there is no actor ${id} who may act`);
      return actorOf(known);
    },

    authorize(caller, action, resource) {
      const decision = decide(caller.actor, action, resource, circumstances);
      if (decision.allow) return;
      denials.note(caller, action, `${resource.kind}/${resource.id}`);
      if (!decision.visible && resource.missing !== undefined) throw resource.missing();
      throw notAllowed(action, `${resource.kind}/${resource.id}`, decision);
    },

    may: (caller, action, resource) => decide(caller.actor, action, resource, circumstances).allow,

    scope(caller, action) {
      const limit = caller.actor.token?.actions;
      if (limit !== undefined && limit !== null && !limit.includes(action)) {
        denials.note(caller, action, 'list/');
        const reasons = [`the token is limited to ${limit.join(', ')}`];
        throw notAllowed(action, 'the list', { isTokenLimit: true, reasons });
      }
      return scopeOf(caller.actor, action, circumstances);
    },

    seesEverything(caller) {
      const scope = scopeOf(caller.actor, 'version.read', circumstances);
      return scope.reach.teams === '*' && scope.within === undefined;
    },

    countPersonsWithTokens: async () => await store.countPersonsWithTokens(clock.now()),
    grants: async () => await readGatewayGrants(database, circumstances, clock.now(), await parts.heldBack?.()),
    epoch: async () => await store.epoch(),
    accessChanged: async (tx) => await store.bumpEpoch(tx),

    onChange(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    changed() {
      for (const listener of listeners) listener();
    },

    takeReport(report) {
      denials.add(report);
      for (const { token, at } of report.tokensUsed) uses.note(token, at);
    },

    namesOf: async (ids) => await store.namesOf(ids),
    async actorId(reference) {
      const found = await store.findActor(reference);
      if (found === undefined) throw actorNotFound(reference);
      return found.id;
    },

    async ownerId(reference, place) {
      const found = await store.findActor(reference);
      if (found === undefined || found.isDisabled) throw actorNotFound(reference, place);
      return found.id;
    },

    async endpointEnded(tx, endpoint) {
      // The epoch first: whoever sets a rule at the same time waits here, and then finds the endpoint gone.
      await store.bumpEpoch(tx);
      await store.dropAccess(tx, endpoint);
    },

    async installationId() {
      const id = await store.installationId();
      if (id === undefined)
        throw new MusterError('internal_error', 'the installation has no id before its first start is done');
      return id;
    },
    ensureAdmin: async (options) => await ensureAdmin(parts, store, options),

    start(onError) {
      denials.start(onError);
      const tick = (): void => {
        noteUses().catch(onError);
        cancelUses = clock.after(useEveryMs / 10, tick);
      };
      cancelUses = clock.after(useEveryMs / 10, tick);
    },
    async stop() {
      cancelUses();
      await noteUses();
      await denials.stop();
    },
  };
}

/** An actor as it acts: whether it is disabled was decided. */
export function actorOf({ isDisabled: _isDisabled, ...actor }: KnownActor): Actor {
  return actor;
}

export function actorNotFound(reference: string, place?: string): MusterError {
  return new MusterError('actor_not_found', `there is no actor ${reference}`, place === undefined ? {} : { place });
}

/** Says which action on what was refused, and what the nearest rule needed. */
function notAllowed(action: Action, object: string, decision: Pick<Decision, 'reasons' | 'isTokenLimit'>): MusterError {
  const why = decision.reasons[0] ?? 'no rule allows it';
  return new MusterError('not_allowed', `${action} on ${object} is not yours: ${why}`, {
    details: { action, resource: object },
    ...(decision.isTokenLimit === true ? { remedy: 'Use a token without that limit.' } : {}),
  });
}

/** Remembers when tokens were used, so that not every request writes. */
function createTokenUses(clock: Clock) {
  const notedAt = new Map<string, number>();
  let waiting = new Map<string, number>();
  return {
    note(token: string, at = clock.now()): void {
      if (at - (notedAt.get(token) ?? Number.NEGATIVE_INFINITY) < useEveryMs || waiting.size >= maxUses) return;
      if (notedAt.size >= maxUses) notedAt.clear();
      notedAt.set(token, at);
      waiting.set(token, at);
    },
    take(): { readonly token: string; readonly at: number }[] {
      const taken = [...waiting].map(([token, at]) => ({ token, at }));
      waiting = new Map();
      return taken;
    },
  };
}
