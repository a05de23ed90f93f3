import type { Clock } from '../platform/clock/index.ts';
import type { RoutedReplica } from './routing-table.ts';
import { RunnerConnection } from './runner-connection.ts';
import type { ServingLog } from './serving-log.ts';

export interface ReplicaPoolOptions {
  readonly software: string;
  readonly clock: Clock;
  readonly log: ServingLog;
  /** Something may be possible now that was not. */
  readonly onChange: () => void;
  /** A runner takes more again: what waits may go on. */
  readonly onRoom: () => void;
}

/** A replica that takes a run now. */
export interface Slot {
  readonly replica: string;
  readonly runner: RunnerConnection;
}

/** The links to the runners of the routing table, one a runner, and who on them is ready and free. */
export class ReplicaPool {
  readonly #options: ReplicaPoolOptions;
  readonly #runners = new Map<string, RunnerConnection>();
  #turn = 0;

  constructor(options: ReplicaPoolOptions) {
    this.#options = options;
  }

  /** Links to these runners are kept, or made; others end once nothing is in flight on them. */
  want(addresses: ReadonlySet<string>): void {
    for (const address of addresses) {
      const known = this.#runners.get(address);
      if (known === undefined) this.#runners.set(address, new RunnerConnection({ ...this.#options, address }));
      else known.isWanted = true;
    }
    for (const runner of this.#runners.values()) {
      if (!addresses.has(runner.address)) runner.isWanted = false;
    }
    this.sweep();
  }

  /** Ends links that are neither wanted nor used. */
  sweep(): void {
    for (const runner of this.#runners.values()) {
      if (runner.isWanted || runner.inFlight > 0 || runner.reserved !== undefined) continue;
      runner.stop();
      this.#runners.delete(runner.address);
    }
  }

  isReady(replica: RoutedReplica): boolean {
    return this.#runners.get(replica.address)?.isReady(replica.id) === true;
  }

  /** A ready replica with fewer than `most` runs in flight, the one whose runner has least to do; in turn among equals. */
  free(replicas: readonly RoutedReplica[], most = 1): Slot | undefined {
    let best: Slot | undefined;
    this.#turn = (this.#turn + 1) % 0x3fff_ffff;
    for (let index = 0; index < replicas.length; index += 1) {
      const replica = replicas[(index + this.#turn) % replicas.length];
      if (replica === undefined) continue;
      const runner = this.#runners.get(replica.address);
      if (
        runner === undefined ||
        runner.reserved !== undefined ||
        !runner.takesMore ||
        !runner.isReady(replica.id) ||
        runner.busy(replica.id) >= most
      )
        continue;
      if (best === undefined || runner.inFlight < best.runner.inFlight) best = { replica: replica.id, runner };
    }
    return best;
  }

  /**
   * Keeps a runner with one of these replicas free of anything new for `owner`, who may use it once nothing is in
   * flight there. Undefined if none is ready, or others hold them all.
   */
  reserve(replicas: readonly RoutedReplica[], owner: object): Slot | undefined {
    let best: Slot | undefined;
    for (const replica of replicas) {
      const runner = this.#runners.get(replica.address);
      if (runner === undefined || runner.reserved !== undefined || !runner.isReady(replica.id)) continue;
      if (best === undefined || runner.inFlight < best.runner.inFlight) best = { replica: replica.id, runner };
    }
    if (best !== undefined) best.runner.reserved = owner;
    return best;
  }

  release(slot: Slot, owner: object): void {
    if (slot.runner.reserved !== owner) return;
    slot.runner.reserved = undefined;
    this.#options.onChange();
  }

  /** Replicas that have something in flight. */
  *busyReplicas(): Iterable<string> {
    for (const runner of this.#runners.values()) yield* runner.busyReplicas();
  }

  stop(): void {
    for (const runner of this.#runners.values()) runner.stop();
    this.#runners.clear();
  }
}
