import { giveBack } from '@muster-ml/protocol';

/** Smaller bodies are not worth the account. */
const worthBytes = 64 * 1024;

/**
 * The memory of a large body that a request's inputs are views of: given back when nobody holds it any more. Whoever
 * makes it holds it. One who forgets to let go leaves it to the collector, which is slower and as good.
 */
export class BodyMemory {
  readonly #bytes: Uint8Array;
  #holders = 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  hold(): void {
    this.#holders += 1;
  }

  letGo(): void {
    this.#holders -= 1;
    if (this.#holders === 0) giveBack(this.#bytes);
  }
}

/** Undefined where the collector does as well. */
export function bodyMemory(body: Uint8Array): BodyMemory | undefined {
  return body.byteLength >= worthBytes ? new BodyMemory(body) : undefined;
}
