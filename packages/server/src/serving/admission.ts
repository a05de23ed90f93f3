import { createHash } from 'node:crypto';
import { MusterError } from '@muster-ml/protocol';
import type { TokenGrant } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { AppliedTable } from './applied-table.ts';
import type { Admission } from './faces.ts';
import { type ReachSet, createReachSets } from './reach-sets.ts';

/** `mst` + kind + `_` + 43 random characters + 6 of checksum. Anything else is refused without hashing it. */
const tokenForm = /^mst[a-z]_[0-9A-Za-z]{49}$/;

/** Tokens whose digest is remembered until the next table; beyond it the oldest are hashed again. */
const rememberedTokens = 10_000;

export interface TableAdmission extends Admission {
  /** Decides by this table from now on; what was remembered of the last one is forgotten, so a revoked token ends here. */
  apply(table: AppliedTable): void;
}

interface Sets {
  readonly see: ReachSet;
  readonly predict: ReachSet;
  readonly within: ReachSet | undefined;
}

/**
 * Who may call, from the routing table alone: identity's decision about `endpoint.read` and `endpoint.predict`, which
 * control has written into the grants. A token is looked up by its SHA-256, which is safe against timing: how far
 * a comparison of digests gets says nothing about the token, since nobody can choose the digest of a guess. Throws
 * `control_unavailable` instead of an answer before there is a table, and while `isStale` says that the table is too old
 * to decide by.
 */
export function createAdmission({
  clock,
  isStale = () => false,
}: {
  readonly clock: Clock;
  readonly isStale?: () => boolean;
}): TableAdmission {
  let table: AppliedTable | undefined;
  const remembered = new Map<string, TokenGrant>();
  let setOf = createReachSets();
  let sets = new WeakMap<TokenGrant, Sets>();

  const recall = (token: string): TokenGrant => {
    const known = remembered.get(token);
    if (known !== undefined) return known;
    const grant = tokenForm.test(token) ? table?.grant(createHash('sha256').update(token).digest('hex')) : undefined;
    if (grant === undefined) throw new MusterError('token_invalid', 'the token is not known here');
    if (remembered.size >= rememberedTokens) {
      const oldest = remembered.keys().next();
      if (oldest.done !== true) remembered.delete(oldest.value);
    }
    remembered.set(token, grant);
    return grant;
  };
  const setsOf = (grant: TokenGrant): Sets => {
    let found = sets.get(grant);
    if (found === undefined) {
      found = {
        see: setOf(grant.see),
        predict: setOf(grant.predict),
        within: grant.within === undefined ? undefined : setOf(grant.within),
      };
      sets.set(grant, found);
    }
    return found;
  };

  return {
    authenticate: (token) => {
      if (token === undefined || token === '') throw new MusterError('token_missing', 'the request carries no token');
      if (table?.table === undefined)
        throw new MusterError('control_unavailable', 'this gateway has not heard from control yet', {
          retryAfterSeconds: 1,
        });
      if (isStale())
        throw new MusterError(
          'control_unavailable',
          'this gateway has not heard from control for longer than it may go on alone',
          { remedy: 'Start control; the limit is gateway.staleAuthLimit.', retryAfterSeconds: 5 },
        );
      const grant = recall(token);
      if (grant.expiresAt !== null && grant.expiresAt <= clock.now())
        throw new MusterError('token_expired', `the token expired at ${new Date(grant.expiresAt).toISOString()}`);
      return grant;
    },
    sees: (grant, endpoint) => {
      const { see, predict, within } = setsOf(grant);
      return within?.has(endpoint) !== false && (see.has(endpoint) || predict.has(endpoint));
    },
    mayPredict: (grant, endpoint) => {
      const { predict, within } = setsOf(grant);
      return within?.has(endpoint) !== false && predict.has(endpoint);
    },
    seesEverything: (grant) => {
      const { see, within } = setsOf(grant);
      return see.isEverything && within?.isEverything !== false;
    },
    apply: (next) => {
      table = next;
      remembered.clear();
      setOf = createReachSets();
      sets = new WeakMap();
    },
  };
}
