import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Channel } from './channel.ts';
import { type DeliveryRecord, type Sent, afterAttempt } from './delivery.ts';
import type { ClaimedDelivery, NotificationStore } from './store.ts';

/** In milliseconds, but for the number of those that are sent at once. */
export interface DeliveryTiming {
  /** Longest attempt. */
  readonly timeoutMs: number;
  /** What is waited after each attempt that fails. */
  readonly retryDelaysMs: readonly number[];
  /** Between two looks at what is due. */
  readonly lookMs: number;
  /** From a note to the look for it: its transaction is committed by then, as a rule. */
  readonly soonMs: number;
  /** How long a stop waits for what is under way. */
  readonly drainMs: number;
  /** At once, in one channel. */
  readonly mostAtOnce: number;
}

interface LaneParts {
  readonly channel: Channel;
  readonly database: Database;
  readonly store: NotificationStore;
  readonly clock: Clock;
  readonly timing: DeliveryTiming;
  readonly onError: (error: unknown) => void;
}

/** Deliveries of one channel: a few at once, until nothing is due. */
export class Lane {
  readonly #parts: LaneParts;
  readonly #ending = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  #isStopping = false;
  #isAsked = false;
  #filling: Promise<void> | undefined;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Something may be due. */
  wake(): void {
    this.#isAsked = true;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
      if (this.#isAsked && !this.#isStopping) this.wake();
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#filling;
    const cancelEnd = this.#parts.clock.after(this.#parts.timing.drainMs, () => this.#ending.abort());
    await Promise.all(this.#sending);
    cancelEnd();
  }

  async #fill(): Promise<void> {
    const { database, store, channel, clock, timing, onError } = this.#parts;
    while (this.#isAsked && !this.#isStopping) {
      this.#isAsked = false;
      const limit = timing.mostAtOnce - this.#sending.size;
      if (limit <= 0) return;
      try {
        const claimed = await database.inTransaction(async (tx) => {
          const now = clock.now();
          // Twice as long as an attempt may take: then whoever has it is gone, or could not note how it ended.
          return await store.claim(tx, channel.name, { now, until: now + 2 * timing.timeoutMs, limit });
        });
        for (const delivery of claimed) this.#begin(delivery);
      } catch (error) {
        onError(error);
      }
    }
  }

  #begin(delivery: ClaimedDelivery): void {
    const sending = this.#deliver(delivery)
      .catch(this.#parts.onError)
      .finally(() => {
        this.#sending.delete(sending);
        if (!this.#isStopping) this.wake();
      });
    this.#sending.add(sending);
  }

  async #deliver(delivery: ClaimedDelivery): Promise<void> {
    const { database, store, clock, timing, onError } = this.#parts;
    const sent = await this.#attempt(delivery);
    const now = clock.now();
    // What a stop cut off was no attempt; the next start makes it.
    const after: DeliveryRecord =
      sent === undefined
        ? { ...delivery, attempts: delivery.attempts - 1, nextAt: now }
        : afterAttempt(delivery, sent, now, timing.retryDelaysMs);
    await database.inTransaction(async (tx) => await store.note(tx, delivery, after));
    if (sent?.ok === false) onError(failureOf(delivery, after, now));
  }

  /** Undefined where a stop ended it. */
  async #attempt({ what }: ClaimedDelivery): Promise<Sent | undefined> {
    const { channel, clock, timing } = this.#parts;
    const timeout = AbortSignal.timeout(timing.timeoutMs);
    const signal = AbortSignal.any([this.#ending.signal, timeout]);
    try {
      return await channel.send(what, { at: clock.now(), signal });
    } catch (error) {
      if (this.#ending.signal.aborted) return undefined;
      if (timeout.aborted) return { ok: false, problem: `it did not answer within ${timing.timeoutMs / 1000} s` };
      this.#parts.onError(error);
      return { ok: false, problem: 'it could not be sent: see the log of control' };
    }
  }
}

/** What the log says of an attempt that failed. */
function failureOf({ channel, what }: ClaimedDelivery, after: DeliveryRecord, now: number): Error {
  const next = after.state === 'given up' ? 'it was given up' : `again in ${Math.round((after.nextAt - now) / 1000)} s`;
  return new Error(
    `notification ${what.id} (${what.event}) did not reach ${channel}: ${after.problem ?? ''}; attempt ${after.attempts}, ${next}`,
  );
}
