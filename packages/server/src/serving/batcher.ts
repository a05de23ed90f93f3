import { MusterError } from '@muster-ml/protocol';
import type { PlacedDeployment } from './applied-table.ts';
import { BatchQueue } from './batch-queue.ts';
import { runBatch } from './batch-run.ts';
import { createDeadlineWatch } from './deadline-watch.ts';
import type { PredictRequest, Prediction } from './faces.ts';
import { Job, type JobHome, callerLeft, keyOf } from './job.ts';
import type { ReplicaPool, Slot } from './replica-pool.ts';
import { createRowGain } from './row-gain.ts';
import type { Incident, RoutedDeployment } from './routing-table.ts';
import { RunsInFlight } from './runs-in-flight.ts';

/** What a batcher tells the rest of serving. */
export interface BatcherEvents {
  ran(deployment: RoutedDeployment, rows: number, runMicros: number): void;
  copyDropped(deployment: RoutedDeployment): void;
  incident(incident: Incident): void;
  /** A batcher whose deployment has left the table has nothing to do any more. */
  emptied(batcher: Batcher): void;
}

export interface BatcherOptions {
  readonly placed: PlacedDeployment;
  readonly pool: ReplicaPool;
  readonly events: BatcherEvents;
  /** Milliseconds since the epoch, for incidents. */
  readonly now: () => number;
  /** Most input bytes that may wait; a request always fits into an empty queue. */
  readonly queueBytes: number;
  /** Copies for a shadow that may wait. */
  readonly copies: number;
  /** How long a deployment may be without a ready replica before its requests are refused at once. */
  readonly unreadyGraceMs: number;
}

/** From this length of a run on, the way to the runner and back is a loss that counts. */
const worthPrefetchingMicros = 500;

/**
 * The queue of one deployment and the runs made of it. It conserves work: a replica that is free gets what waits, up to
 * what this model gains from, and nothing is held back unless the deployment asks for it (`waitMs`).
 *
 * Every request that it accepted is settled exactly once. A request whose runner died under it is run once more, alone
 * in its runner; if that one dies too, the request is to blame and answers `model_crashed`.
 */
export class Batcher implements JobHome {
  readonly #options: BatcherOptions;
  readonly #queue = new BatchQueue();
  /** Copies for a shadow; they run only when nobody else waits. */
  readonly #copies = new BatchQueue();
  /** Were in flight when a runner died; they go first. */
  readonly #suspects = new BatchQueue();
  readonly #runs = new RunsInFlight();
  readonly #deadlines = createDeadlineWatch((nowMs) => this.#endLate(nowMs));
  #placed: PlacedDeployment;
  #gain: ReturnType<typeof createRowGain>;
  /** A runner that is kept free for the suspects. */
  #reservation: Slot | undefined;
  #suspectRuns = 0;
  /** False once an output did not have a row for each row that went in. */
  #mayMerge = true;
  #pumpDue = false;
  #waitTimer: NodeJS.Timeout | undefined;
  #unreadySinceMs: number | undefined = performance.now();
  #microsPerRow = 1000;
  #microsPerRun = 0;
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

  /** Whether anything waits for a run, copies too. */
  get hasWaiting(): boolean {
    return this.waiting > 0 || this.#copies.size > 0;
  }

  get inFlight(): number {
    return this.#runs.jobs().length;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Whether one of its replicas would take a run, now or after those before it. */
  isReady(): boolean {
    const { pool } = this.#options;
    return this.deployment.replicas.some((replica) => pool.isReady(replica));
  }

  /** The deployment as the next table has it. */
  update(placed: PlacedDeployment): void {
    if (placed.deployment.maxRows !== this.deployment.maxRows) this.#gain = createRowGain(placed.deployment.maxRows);
    this.#placed = placed;
    this.#isRetired = false;
    this.schedule();
  }

  /** The deployment has left the table: what was accepted is finished on the replicas that it had; copies are dropped. */
  retire(): void {
    this.#isRetired = true;
    for (const job of this.#copies.takeAll()) job.fail(callerLeft());
    this.#checkEmptied();
  }

  /** Accepts a request. Throws `queue_full`, `endpoint_not_ready` and `deadline_passed` at once, and rejects with what comes of it later. */
  predict(request: PredictRequest): Promise<Prediction> {
    this.#refuse(request);
    return new Promise<Prediction>((resolve, reject) => {
      this.#queue.add(new Job(request, this, this.#keyOf(request), { resolve, reject }));
      this.#deadlines.note(request.deadlineMs);
      this.schedule();
    });
  }

  /** Takes a copy if there is room for it; its answer is dropped, its failure nobody's. */
  copy(request: PredictRequest): void {
    if (
      this.#copies.size >= this.#options.copies ||
      this.#copies.bytes >= this.#options.queueBytes ||
      !this.isReady()
    ) {
      this.#options.events.copyDropped(this.deployment);
      return;
    }
    request.memory?.hold();
    this.#copies.add(new Job(request, this, this.#keyOf(request), undefined));
    this.#deadlines.note(request.deadlineMs);
    this.schedule();
  }

  /** What was accepted and has not begun, to be moved elsewhere. */
  takeWaiting(): Job[] {
    return [...this.#suspects.takeAll(), ...this.#queue.takeAll()];
  }

  /** Goes on with requests that another batcher accepted. */
  adopt(jobs: readonly Job[]): void {
    for (const job of jobs) {
      job.home = this;
      job.key = job.crashes > 0 ? undefined : this.#keyOf(job.request);
      (job.crashes > 0 ? this.#suspects : this.#queue).add(job);
      this.#deadlines.note(job.request.deadlineMs);
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

  forget(job: Job): void {
    // A run that goes on without its caller keeps its replica busy until it is answered; only the caller is free.
    if (job.state === 'running') return;
    this.#queue.remove(job);
    this.#suspects.remove(job);
    this.#copies.remove(job);
    // Nobody may be left that a runner is kept free for.
    if (this.#reservation !== undefined) this.schedule();
    if (this.#isRetired) setImmediate(() => this.#checkEmptied());
  }

  #late(job: Job): MusterError {
    if (job.state === 'waiting' && !this.isReady()) return notReady(this.endpointName);
    return new MusterError(
      'deadline_passed',
      job.state === 'running'
        ? 'the model did not answer before the deadline'
        : 'the request waited until its deadline',
    );
  }

  stop(): void {
    clearTimeout(this.#waitTimer);
    this.#deadlines.stop();
    const stopped = new MusterError('endpoint_not_ready', 'the gateway is stopping', { retryAfterSeconds: 1 });
    for (const job of [...this.takeWaiting(), ...this.#copies.takeAll(), ...this.#runs.jobs()]) job.fail(stopped);
  }

  /** Ends what is past its deadline; the earliest deadline of what is left. */
  #endLate(nowMs: number): number | undefined {
    let nextMs: number | undefined;
    for (const job of [...this.#queue.jobs(), ...this.#suspects.jobs(), ...this.#copies.jobs(), ...this.#runs.jobs()]) {
      if (job.state === 'settled') continue;
      if (job.request.deadlineMs <= nowMs) job.fail(this.#late(job));
      else nextMs = Math.min(nextMs ?? Number.POSITIVE_INFINITY, job.request.deadlineMs);
    }
    return nextMs;
  }

  #keyOf(request: PredictRequest): string | undefined {
    return this.#mayMerge ? keyOf(request, this.deployment.maxRows) : undefined;
  }

  #refuse(request: PredictRequest): void {
    const { endpoint } = this.#placed;
    const nowMs = performance.now();
    if (request.deadlineMs <= nowMs)
      throw new MusterError('deadline_passed', 'the deadline had passed before the request could be run');
    // Kept up to date by the pump, which every change of a replica wakes.
    if (
      this.#unreadySinceMs !== undefined &&
      nowMs - this.#unreadySinceMs > this.#options.unreadyGraceMs &&
      !this.isReady()
    )
      throw notReady(endpoint.name);
    const isOver =
      this.waiting >= endpoint.queue || (this.waiting > 0 && this.#queue.bytes >= this.#options.queueBytes);
    if (!isOver) return;
    const seconds = (this.#queue.rows * this.#microsPerRow) / 1e6 / Math.max(1, this.deployment.replicas.length);
    throw new MusterError('queue_full', `${this.waiting} requests wait for "${endpoint.name}" already`, {
      retryAfterSeconds: Math.min(30, Math.max(1, Math.ceil(seconds))),
    });
  }

  #pump(): void {
    if (this.isReady()) this.#unreadySinceMs = undefined;
    else this.#unreadySinceMs ??= performance.now();
    this.#pumpSuspects();
    const { pool } = this.#options;
    for (const queue of [this.#queue, this.#copies]) {
      while (queue.size > 0) {
        if (queue === this.#queue && this.#shouldWait()) break;
        const slot = pool.free(this.deployment.replicas) ?? this.#nextSlot(queue);
        if (slot === undefined) return;
        const batch = this.#wanted(queue.take(this.#mayMerge ? this.#gain.next() : 1));
        if (batch.length > 0) void this.#run(slot, batch);
      }
    }
  }

  /**
   * A replica that may have its next run while it works on one, so that it does not idle for the way there and back. Only
   * where a run is long enough for that to count, and only for a run that would not grow by waiting: as many rows as
   * the model gains from, or as the run under way has.
   */
  #nextSlot(queue: BatchQueue): Slot | undefined {
    if (queue !== this.#queue || this.#microsPerRun < worthPrefetchingMicros) return undefined;
    const rows = this.#runs.fewestRows(this.#mayMerge ? this.#gain.limit : 1);
    if (queue.rowsOfNext(rows) < rows) return undefined;
    return this.#options.pool.free(this.deployment.replicas, 2);
  }

  /** One suspect at a time, in a runner where nothing else is in flight. */
  #pumpSuspects(): void {
    const { pool } = this.#options;
    const held = this.#reservation;
    const isOfUse = held !== undefined && this.#suspects.size > 0 && held.runner.isReady(held.replica);
    if (held !== undefined && !isOfUse && this.#suspectRuns === 0) {
      this.#reservation = undefined;
      pool.release(held, this);
      this.#checkEmptied();
    }
    if (this.#suspects.size === 0) return;
    this.#reservation ??= pool.reserve(this.deployment.replicas, this);
    const slot = this.#reservation;
    if (slot === undefined || slot.runner.inFlight > 0 || !slot.runner.takesMore) return;
    const [job] = this.#wanted(this.#suspects.take(1));
    if (job === undefined) this.schedule();
    else void this.#runSuspect(slot, job);
  }

  async #runSuspect(slot: Slot, job: Job): Promise<void> {
    this.#suspectRuns += 1;
    await this.#run(slot, [job]);
    this.#suspectRuns -= 1;
    this.schedule();
  }

  /** Without those that nobody waits for any more; timers may be late when the event loop is busy. */
  #wanted(batch: readonly Job[]): Job[] {
    const nowMs = performance.now();
    return batch.filter((job) => {
      if (!job.isCopy && job.request.cancellation.cancelled) job.fail(callerLeft());
      else if (job.request.deadlineMs <= nowMs) job.fail(this.#late(job));
      return job.state === 'waiting';
    });
  }

  /** Whether the deployment's `waitMs` holds the next run back to let it grow. */
  #shouldWait(): boolean {
    const { waitMs, maxRows } = this.deployment;
    const first = this.#queue.first();
    if (waitMs <= 0 || first?.key === undefined || this.#queue.rowsOfNext(maxRows) >= maxRows) return false;
    const leftMs = Math.min(first.acceptedMs + waitMs, first.request.deadlineMs) - performance.now();
    if (leftMs <= 0) return false;
    clearTimeout(this.#waitTimer);
    this.#waitTimer = setTimeout(() => this.#pump(), leftMs);
    return true;
  }

  async #run(slot: Slot, batch: readonly Job[]): Promise<void> {
    const { events, now } = this.#options;
    const { deployment } = this;
    const startedMs = performance.now();
    for (const job of batch) {
      job.state = 'running';
      job.startedMs = startedMs;
    }
    this.#runs.add(batch, slot);
    const end = await runBatch(slot, deployment, batch, () => this.#pump());
    const hadBegun = this.#runs.end(batch);
    switch (end.kind) {
      case 'answered':
        events.ran(deployment, end.rows, end.runMicros);
        this.#microsPerRun = this.#microsPerRun * 0.9 + end.runMicros * 0.1;
        if (end.rows > 0) this.#microsPerRow = this.#microsPerRow * 0.9 + (end.runMicros / end.rows) * 0.1;
        if (batch[0]?.key !== undefined) this.#gain.observe(end.rows, end.runMicros);
        // All of them are settled: none will run again.
        for (const job of batch) job.request.memory?.letGo();
        break;
      case 'unmergeable':
        this.#mayMerge = false;
        this.#again(this.#queueOf(batch), batch, true);
        break;
      case 'failed-together':
        this.#again(this.#queueOf(batch), batch, true);
        break;
      case 'not-loaded':
        this.#again(this.#queueOf(batch), batch, false);
        break;
      case 'died':
        if (hadBegun) this.#suspect(slot, batch, now());
        else this.#again(this.#queueOf(batch), batch, false);
        break;
    }
    this.schedule();
    if (this.#isRetired) this.#checkEmptied();
  }

  #queueOf(batch: readonly Job[]): BatchQueue {
    const [first] = batch;
    if (first?.isCopy === true) return this.#copies;
    return first !== undefined && first.crashes > 0 ? this.#suspects : this.#queue;
  }

  /** Puts a batch back to the front: it did not run, or its requests are to run each alone. */
  #again(queue: BatchQueue, batch: readonly Job[], alone: boolean): void {
    const jobs = batch.filter((job) => job.state === 'running');
    for (const job of jobs) {
      job.state = 'waiting';
      if (alone) job.key = undefined;
    }
    queue.addFront(jobs);
  }

  /** The runner died under a batch. Copies are let go; requests get one more run, alone, and a second death is theirs. */
  #suspect(slot: Slot, batch: readonly Job[], at: number): void {
    const { events } = this.#options;
    // A runner works on one batch at a time: what was sent behind this one had not begun and is not to blame.
    this.#runs.forget(slot.runner);
    const isConfirmed = batch.length === 1 && (batch[0]?.crashes ?? 0) > 0;
    events.incident({
      at,
      deployment: this.deployment.id,
      replica: slot.replica,
      kind: isConfirmed ? 'confirmed' : 'suspected',
    });
    const crashed = new MusterError('model_crashed', `the model of "${this.endpointName}" crashed on this request`);
    for (const job of batch) {
      job.crashes += 1;
      job.key = undefined;
      if (job.isCopy || job.crashes > 1) job.fail(crashed);
    }
    this.#again(this.#suspects, batch, true);
  }

  #checkEmptied(): void {
    const isIdle =
      this.waiting === 0 && this.#runs.size === 0 && this.#copies.size === 0 && this.#reservation === undefined;
    if (this.#isRetired && isIdle) this.#options.events.emptied(this);
  }
}

function notReady(endpoint: string): MusterError {
  return new MusterError('endpoint_not_ready', `no replica of "${endpoint}" is ready`, { retryAfterSeconds: 1 });
}
