import { setTimeout as wait } from 'node:timers/promises';
import { type InferHeader, type Tensor, tensorHeaders, toMusterError } from '@muster-ml/protocol';
import { type RunnerResult, type RuntimeLink, infer, openRuntimeLink } from '../../platform/link/index.ts';

/** Pauses between looks whether the runner is there; it may take minutes to make its environment. */
const firstPauseMs = 20;
const longestPauseMs = 500;

/**
 * One replica, through whatever happens to its runner: connects when it is there, again after it was lost. It waits for as
 * long as it takes; whoever started it knows when to give up.
 */
export class ReplicaLink {
  readonly #options: { readonly address: string; readonly replica: string; readonly software: string };
  #link: RuntimeLink | undefined;
  #opening: Promise<RuntimeLink> | undefined;

  constructor(options: { readonly address: string; readonly replica: string; readonly software: string }) {
    this.#options = options;
  }

  /** Runs a batch as soon as the replica is ready. Throws as `infer` does, `link_lost` where the runner died meanwhile. */
  async infer(inputs: readonly Tensor[], outputs: readonly string[] | undefined): Promise<RunnerResult> {
    const link = await this.#ready();
    const header: InferHeader = {
      replica: this.#options.replica,
      inputs: tensorHeaders(inputs),
      ...(outputs === undefined ? {} : { outputs }),
    };
    return await infer(
      link,
      header,
      inputs.map(({ bytes }) => bytes),
    );
  }

  close(): void {
    this.#link?.close();
  }

  async #ready(): Promise<RuntimeLink> {
    const link = this.#link;
    if (link?.isOpen === true && link.ready.has(this.#options.replica)) return link;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return await this.#opening;
  }

  async #open(): Promise<RuntimeLink> {
    const { address, replica, software } = this.#options;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      if (this.#link?.isOpen !== true) {
        try {
          this.#link = await openRuntimeLink({ address, role: 'gateway', software });
        } catch (error) {
          if (toMusterError(error).code !== 'link_lost') throw error;
        }
      }
      if (this.#link?.isOpen === true && this.#link.ready.has(replica)) return this.#link;
      await wait(pauseMs);
    }
  }
}
