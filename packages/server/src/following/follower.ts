import { lookAtAlias } from './look-at-alias.ts';
import type { FollowingParts } from './parts.ts';

/**
 * Looks at every alias that is followed, again and again, one endpoint after the other: a slow server holds up the next
 * look, never a prediction. All it remembers is in the database, so it goes on anywhere after a restart.
 */
export class Follower {
  readonly #parts: FollowingParts;
  readonly #ending = new AbortController();
  #cancelWait = (): void => {};
  #running: Promise<void> | undefined;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Looks soon. */
  wake(): void {
    this.#cancelWait();
  }

  /** Ends the look that is under way; what it had begun is taken up at the next start. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#cancelWait();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await this.#lookAtAll(signal);
      } catch (error) {
        if (!signal.aborted) this.#parts.onError(error);
      }
      if (!signal.aborted) await this.#wait();
    }
  }

  async #lookAtAll(signal: AbortSignal): Promise<void> {
    const { database, store } = this.#parts;
    for (const follow of await store.all(database.reader)) {
      signal.throwIfAborted();
      const progress = await lookAtAlias(this.#parts, follow, signal);
      await database.inTransaction(async (tx) => {
        // The endpoint is gone, and its wish with it.
        if (progress.problem?.code === 'endpoint_not_found') await store.remove(tx, follow);
        else await store.note(tx, follow, progress);
      });
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(this.#parts.everyMs, resolve);
      this.#cancelWait = () => {
        cancel();
        resolve();
      };
    });
  }
}
