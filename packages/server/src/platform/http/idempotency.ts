import { createHash } from 'node:crypto';
import { MusterError } from '@muster-ml/protocol';
import type { Clock } from '../clock/index.ts';
import type { Database } from '../database/index.ts';

/** What identifies a repeated request: the caller's key, who calls, what is asked. */
export interface IdempotencyScope {
  readonly key: string;
  readonly actor: string;
  readonly route: string;
  readonly body: unknown;
}

/**
 * Lets a POST be repeated: the same key gives the first answer again. The answer is noted right after its effect; only a
 * crash between the two leaves a key unknown, and then names and numbers in the domain decide (a name is taken once).
 */
export interface Idempotency {
  /**
   * Runs `answer` once for a key and remembers what it gave for 24 hours. Failures are not remembered: they had no effect.
   * Throws `idempotency_conflict` where the key was used for another request, or the first one still runs.
   */
  once(scope: IdempotencyScope, answer: () => Promise<unknown>): Promise<unknown>;
}

type IdempotencyTables = {
  idempotency: {
    key: string;
    actor: string;
    route: string;
    body_digest: string;
    status: number | null;
    body: string | null;
    created_at: number;
  };
};

const keptMs = 24 * 3600 * 1000;

/** Keeps keys in the database, so that a repeat after a restart is recognised too. */
export function createIdempotency(parts: { readonly database: Database; readonly clock: Clock }): Idempotency {
  const { database, clock } = parts;
  /** Keys whose first request runs in this process; a row without an answer that is not among them was interrupted. */
  const running = new Set<string>();

  async function remembered(scope: IdempotencyScope): Promise<IdempotencyTables['idempotency'] | undefined> {
    const reader = database.reader.withTables<IdempotencyTables>();
    return await reader
      .selectFrom('idempotency')
      .selectAll()
      .where('actor', '=', scope.actor)
      .where('key', '=', scope.key)
      .where('created_at', '>', clock.now() - keptMs)
      .executeTakeFirst();
  }

  return {
    async once(scope, answer) {
      if (!/^[\x21-\x7e]{1,200}$/.test(scope.key)) {
        throw new MusterError('invalid_request', 'the Idempotency-Key is not 1 to 200 visible ASCII characters', {
          place: 'Idempotency-Key',
        });
      }
      const name = `${scope.actor} ${scope.key}`;
      if (running.has(name)) {
        throw new MusterError('idempotency_conflict', 'the first request with this key is still running', {
          retryAfterSeconds: 1,
          remedy: 'Repeat it in a moment.',
        });
      }
      running.add(name);
      try {
        const bodyDigest = createHash('sha256')
          .update(JSON.stringify(scope.body ?? null))
          .digest('hex');
        const row = await remembered(scope);
        if (row !== undefined && (row.route !== scope.route || row.body_digest !== bodyDigest)) {
          throw new MusterError(
            'idempotency_conflict',
            `the key was used for ${row.route} with ${row.route === scope.route ? 'another body' : 'another address'}`,
          );
        }
        if (row?.body != null) return JSON.parse(row.body) as unknown;
        const result = await answer();
        await database.inTransaction(async (plain) => {
          const tx = plain.withTables<IdempotencyTables>();
          await tx
            .deleteFrom('idempotency')
            .where('created_at', '<=', clock.now() - keptMs)
            .execute();
          await tx
            .insertInto('idempotency')
            .values({
              key: scope.key,
              actor: scope.actor,
              route: scope.route,
              body_digest: bodyDigest,
              status: 0,
              body: JSON.stringify(result ?? null),
              created_at: clock.now(),
            })
            .onConflict((conflict) => conflict.columns(['key', 'actor', 'route']).doNothing())
            .execute();
        });
        return result;
      } finally {
        running.delete(name);
      }
    },
  };
}
