import type { Clock } from '../platform/clock/index.ts';
import { backoffMs } from '../platform/processes/index.ts';
import type { Publication } from './checkpoint-store.ts';
import type { Checkpoint } from './contract.ts';
import type { CheckpointSink, ToPublish } from './sink.ts';

export interface PublisherParts {
  readonly sink: CheckpointSink;
  readonly clock: Clock;
  toPublish(checkpoint: Checkpoint): Promise<ToPublish>;
  note(size: number, publication: Publication): Promise<void>;
  readonly onError: (error: unknown) => void;
}

const retries = { firstMs: 1000, mostMs: 300_000, healthyMs: 0 };
const maxDetailChars = 300;

/**
 * Brings checkpoints to one sink, the newest only: it covers those before it. What fails is tried again, ever later, and
 * nobody waits for that.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #ending = new AbortController();
  #wanted: Checkpoint | undefined;
  #busy: Promise<void> | undefined;
  #failures = 0;
  #cancelRetry = (): void => {};

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  get sink(): CheckpointSink {
    return this.#parts.sink;
  }

  /** Resolves once the checkpoint, or a newer one, is there or an attempt has failed. */
  async publish(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.size >= (this.#wanted?.size ?? 0)) this.#wanted = checkpoint;
    this.#cancelRetry();
    this.#busy ??= this.#run().finally(() => {
      this.#busy = undefined;
    });
    await this.#busy;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.#cancelRetry();
    await this.#busy;
  }

  async #run(): Promise<void> {
    for (let next = this.#wanted; next !== undefined && !this.#ending.signal.aborted; next = this.#wanted) {
      const isDone = await this.#attempt(next);
      if (this.#wanted !== next) continue;
      if (!isDone) {
        this.#retryLater(next);
        return;
      }
      this.#wanted = undefined;
    }
  }

  async #attempt(checkpoint: Checkpoint): Promise<boolean> {
    const { sink, clock } = this.#parts;
    let failure: unknown;
    try {
      await sink.publish(await this.#parts.toPublish(checkpoint), this.#ending.signal);
      this.#failures = 0;
    } catch (error) {
      failure = error;
      this.#failures++;
      if (!this.#ending.signal.aborted) this.#parts.onError(error);
    }
    const detail = failure === undefined ? {} : { detail: reasonOf(failure).slice(0, maxDetailChars) };
    await this.#parts
      .note(checkpoint.size, { sink: sink.name, at: clock.now(), ok: failure === undefined, ...detail })
      .catch(this.#parts.onError);
    return failure === undefined;
  }

  #retryLater(checkpoint: Checkpoint): void {
    if (this.#ending.signal.aborted) return;
    this.#cancelRetry = this.#parts.clock.after(
      backoffMs(retries, this.#failures),
      () => void this.publish(checkpoint),
    );
  }
}

/** What a person can use; `fetch` hides it in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown cause';
  const { cause } = error;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}
