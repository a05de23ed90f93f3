import { MusterError, type Tensor } from '@muster-ml/protocol';
import type { PlacedDeployment } from './applied-table.ts';
import { BatchQueue } from './batch-queue.ts';
import type { PredictRequest, Prediction } from './faces.ts';
import { type Job, keyOf } from './job.ts';
import { mergeInputs, orderOutputs, splitOutputs } from './merging.ts';
import type { ReplicaPool, Slot } from './replica-pool.ts';
import { type RowGain, createRowGain } from './row-gain.ts';
import type { Incident, RoutedDeployment } from './routing-table.ts';

/** What a batcher tells the rest of serving. */
export interface BatcherEvents {
  readonly ran: (deployment: RoutedDeployment, rows: number, requests: number, runMicros: number) => void;
  readonly copyDropped: (deployment: RoutedDeployment) => void;
  readonly incident: (incident: Incident) => void;
  /** A batcher whose deployment has left the table has nothing to do any more. */
  readonly emptied: (batcher: Batcher) => void;
}

export interface BatcherOptions {
  readonly placed: PlacedDeployment;
  readonly pool: ReplicaPool;
  readonly events: BatcherEvents;
  /** Milliseconds since the epoch, for incidents. */
  readonly now: () => number;
  /** Most input bytes that may wait; a single request may always wait alone. */
  readonly queueBytes: number;
  /** Copies for a shadow that may wait. */
  readonly copies: number;
  /** How long a deployment may be without a ready replica before its requests are refused at once. */
  readonly unreadyGraceMs: number;
}

/**
 * The queue of one deployment and the runs made of it. It conserves work: a replica that is free gets what waits, up to
 * what this model gains from, and nothing is held back unless the deployment asks for it (`waitMs`).
 *
 * Every request that it accepted is settled exactly once. A request whose runner died under it is run once more, alone
 * in its runner; if that one dies too, the request is to blame and answers `model_crashed`.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  #placed: PlacedDeployment;
  readonly #queue = new BatchQueue();
  /** Copies for a shadow run only when nobody else waits. */
  readonly #copies = new BatchQueue();
  /** Were in flight when a runner died. */
  readonly #suspects = new BatchQueue();
  #reservation: Slot | undefined;
  #reservationRuns = false;
  readonly #running = new Set<Job>();
  #gain: RowGain;
  /** False once an output did not have a row for each row that went in. */
  #mayMerge = true;
  #pumpDue = false;
  #waitTimer: NodeJS.Timeout | undefined;
  #unreadySinceMs: number | undefined = performance.now();
  #rowMicros = 0;
  #isRetired = false;

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#placed = options.placed;
    this.#gain = createRowGain(options.placed.deployment.maxRows);
  }

  get deployment(): RoutedDeployment {
    return this.#placed.deployment;
  }

  get endpointName(): string {
    return this.#placed.endpoint.name;
  }

  /** Requests that wait, copies not counted. */
  get waiting(): number {
    return this.#queue.size + this.#suspects.size;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.#running.size === 0 && this.#copies.size === 0;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  isReady(): boolean {
    for (const replica of this.deployment.replicas) if (this.#options.pool.isReady(replica)) return true;
    return false;
  }

  /** The deployment as the next table has it. */
  update(placed: PlacedDeployment): void {
    if (placed.deployment.maxRows !== this.deployment.maxRows) this.#gain = createRowGain(placed.deployment.maxRows);
    this.#placed = placed;
    this.#isRetired = false;
    this.schedule();
  }

  /** The deployment has left the table: what it accepted is finished on the replicas that it had; copies are dropped. */
  retire(): void {
    this.#isRetired = true;
    for (const job of this.#copies.takeAll()) job.settle(cancelled());
    this.#checkEmptied();
  }

  /** Accepts a request, or throws `queue_full` or `endpoint_not_ready` at once. */
  predict(request: PredictRequest): Promise<Prediction> {
    this.#refuseOverload(request);
    return new Promise<Prediction>((resolve, reject) => {
      const job = this.#makeJob(request, false, (outcome) => {
        if (outcome instanceof MusterError) reject(outcome);
        else resolve(outcome);
      });
      request.cancellation.onCancel(() => job.settle(cancelled()));
      this.#queue.add(job);
      this.schedule();
    });
  }

  /** Takes a copy if there is room for it; its answer is dropped, its failure nobody's. */
  copy(request: PredictRequest): void {
    const isFull = this.#copies.size >= this.#options.copies || this.#copies.bytes >= this.#options.queueBytes;
    if (isFull || !this.isReady()) {
      this.#options.events.copyDropped(this.deployment);
      return;
    }
    this.#copies.add(this.#makeJob(request, true, () => undefined));
    this.schedule();
  }

  /** What waits and has not begun, to be moved elsewhere; it stays accepted. */
  takeWaiting(): Job[] {
    return [...this.#suspects.takeAll(), ...this.#queue.takeAll()];
  }

  /** Goes on with requests that another batcher accepted. */
  adopt(jobs: readonly Job[]): void {
    for (const job of jobs) {
      this.#owners.set(job, this);
      job.key = this.#mayMerge && job.crashes === 0 ? keyOf(job.request, this.deployment.maxRows) : undefined;
      (job.crashes > 0 ? this.#suspects : this.#queue).add(job);
    }
    this.schedule();
  }

  /** Looks for a free replica at the end of this turn of the event loop: what arrived together runs together. */
  schedule(): void {
    if (this.#pumpDue) return;
    this.#pumpDue = true;
    setImmediate(() => {
      this.#pumpDue = false;
      this.#pump();
    });
  }

  stop(): void {
    clearTimeout(this.#waitTimer);
    for (const job of [...this.takeWaiting(), ...this.#copies.takeAll(), ...this.#running]) job.settle(new MusterError('endpoint_not_ready', 'the gateway is stopping'));
  }
}
