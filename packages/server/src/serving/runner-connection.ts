import { type InferHeader, MusterError, toMusterError } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import { type RunnerResult, type RuntimeLink, infer, openRuntimeLink } from '../platform/link/index.ts';
import type { ServingLog } from './serving-log.ts';

const firstDelayMs = 50;
const longestDelayMs = 1000;

/** A replica that said it was not loaded is not asked again before this, unless it says that it is ready. */
const refusalMs = 1000;

export interface RunnerConnectionOptions {
  readonly address: string;
  readonly software: string;
  readonly clock: Clock;
  readonly log: ServingLog;
  /** Something may be possible now that was not: the link opened, a replica became ready. */
  readonly onChange: () => void;
  /** What was written has left, so that more can be: under large requests that is often, and of no interest to anybody else. */
  readonly onRoom: () => void;
}

/**
 * The gateway's one link to a runner, kept up for as long as it is wanted, and what is in flight on it. A `reserved`
 * runner gets nothing new but what its reservation sends: a request that may have killed a runner is tried again with
 * nobody else's beside it.
 */
export class RunnerConnection {
  readonly address: string;
  reserved: object | undefined;
  isWanted = true;
  readonly #options: RunnerConnectionOptions;
  /** Runs in flight by replica; one that is idle stays in it, at 0, until it is gone or the link is. */
  readonly #busy = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  #link: RuntimeLink | undefined;
  #inFlight = 0;
  #delayMs = firstDelayMs;
  #stopped = false;
  #cancelRetry: (() => void) | undefined;

  constructor(options: RunnerConnectionOptions) {
    this.address = options.address;
    this.#options = options;
    void this.#connect();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get isOpen(): boolean {
    return this.#link?.isOpen === true;
  }

  /** Replicas with something in flight. */
  *busyReplicas(): Iterable<string> {
    for (const [replica, runs] of this.#busy) if (runs > 0) yield replica;
  }

  busy(replica: string): number {
    return this.#busy.get(replica) ?? 0;
  }

  isReady(replica: string): boolean {
    if (this.#link?.ready.has(replica) !== true) return false;
    const until = this.#refused.get(replica);
    if (until === undefined) return true;
    if (until > this.#options.clock.now()) return false;
    this.#refused.delete(replica);
    return true;
  }

  /** Whether a run can be written now. */
  get takesMore(): boolean {
    return this.#link !== undefined && this.#link.isOpen && !this.#link.isCongested;
  }

  /** Runs a batch. While it runs the replica is busy. `onWritten`: the payload has left, but it may also never be called. */
  async run(header: InferHeader, payload: readonly Uint8Array[], onWritten?: () => void): Promise<RunOutcome> {
    const link = this.#link;
    this.#inFlight += 1;
    this.#busy.set(header.replica, this.busy(header.replica) + 1);
    try {
      if (link === undefined) throw new MusterError('replica_not_loaded', `there is no link to ${this.address}`);
      return await infer(link, header, payload, onWritten);
    } catch (thrown) {
      const failed = toMusterError(thrown);
      if (failed.code === 'replica_not_loaded') this.#refuse(header.replica);
      return { failed, died: link !== undefined && !link.isOpen };
    } finally {
      this.#inFlight -= 1;
      this.#busy.set(header.replica, this.busy(header.replica) - 1);
      if (this.#inFlight === 0 && (this.reserved !== undefined || !this.isWanted)) this.#options.onChange();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#link?.close();
    this.#link = undefined;
  }

  #refuse(replica: string): void {
    this.#refused.set(replica, this.#options.clock.now() + refusalMs);
    this.#options.clock.after(refusalMs + 1, this.#options.onChange);
  }

  async #connect(): Promise<void> {
    const { address, software, log, onChange, onRoom } = this.#options;
    try {
      const link = await openRuntimeLink({
        address,
        role: 'gateway',
        software,
        onReplicaEvent: (event) => {
          this.#refused.delete(event.replica);
          if (event.state !== 'ready') this.#forgetIdle();
          onChange();
        },
        onDrain: onRoom,
        onClose: (error) => this.#lose(error),
      });
      if (this.#stopped) {
        link.close();
        return;
      }
      this.#link = link;
      this.#refused.clear();
      this.#delayMs = firstDelayMs;
      log.info({ address, ready: link.ready.size }, 'runner linked');
      onChange();
    } catch (thrown) {
      log.debug({ address, problem: toMusterError(thrown).message }, 'runner not reachable');
      this.#retry();
    }
  }

  #forgetIdle(): void {
    for (const [replica, runs] of this.#busy) if (runs === 0) this.#busy.delete(replica);
  }

  #lose(error: MusterError): void {
    this.#link = undefined;
    this.#forgetIdle();
    if (this.#stopped) return;
    this.#options.log.warn({ address: this.address, problem: error.message, inFlight: this.#inFlight }, 'runner lost');
    this.#retry();
    this.#options.onChange();
  }

  #retry(): void {
    if (this.#stopped) return;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(longestDelayMs, delayMs * 2);
    this.#cancelRetry = this.#options.clock.after(delayMs, () => void this.#connect());
  }
}

/** What a run came to. `died`: the link broke while it was in flight, so this batch may be why. */
export type RunOutcome = RunnerResult | { readonly failed: MusterError; readonly died: boolean };
