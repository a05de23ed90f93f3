import { MusterError } from '@muster-ml/protocol';

/** Counts the bytes of all bodies that are held at once, so that many large requests cannot exhaust the process. */
export class BodyBudget {
  readonly #maxBytes: number;
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Takes bytes for a request that has `ownBytes` already. Throws `queue_full` where they do not fit now; a request
   * that is alone always fits, whatever its endpoint's limit is, so that it cannot be refused for ever.
   */
  reserve(bytes: number, ownBytes: number): void {
    if (this.#held > ownBytes && this.#held + bytes > this.#maxBytes) {
      throw new MusterError(
        'queue_full',
        'the bodies of the requests that are open fill the memory set aside for them',
        {
          retryAfterSeconds: 1,
        },
      );
    }
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
