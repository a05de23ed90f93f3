import { createHash } from 'node:crypto';
import { MusterError } from '@muster-ml/protocol';
import type { TokenGrant } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { AppliedTable } from './applied-table.ts';
import type { Admission } from './faces.ts';

/** `mst` + kind + `_` + 43 random characters + 6 of checksum. Anything else is refused without hashing it. */
const tokenForm = /^mst[a-z]_[0-9A-Za-z]{49}$/;

/** Tokens whose digest is remembered until the next table; beyond it the oldest are hashed again. */
const rememberedTokens = 10_000;

export interface TableAdmission extends Admission {
  /** Decides by this table from now on; what was remembered of the last one is forgotten, so a revoked token ends here. */
  apply(table: AppliedTable): void;
}

/**
 * Who may call, from the routing table alone. Throws `control_unavailable` instead of an answer while `isStale` says
 * that the table is too old to decide by.
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
  const sets = new WeakMap<TokenGrant, '*' | ReadonlySet<string>>();

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
  const reach = (grant: TokenGrant): '*' | ReadonlySet<string> => {
    let set = sets.get(grant);
    if (set === undefined) {
      set = grant.predict === '*' ? '*' : new Set(grant.predict);
      sets.set(grant, set);
    }
    return set;
  };

  return {
    authenticate: (token) => {
      if (token === undefined || token === '') throw new MusterError('token_missing', 'the request carries no token');
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
    mayPredict: (grant, endpointName) => {
      const set = reach(grant);
      return set === '*' || set.has(endpointName);
    },
    apply: (next) => {
      table = next;
      remembered.clear();
    },
  };
}
