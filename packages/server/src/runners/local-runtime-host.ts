import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MusterError, type ReplicaEvent, toMusterError, toProblem } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import type { Logger } from '../platform/telemetry/index.ts';
import { CagedInspections } from './caged-inspections.ts';
import { placeModel, readSample, removeModel, runnerAddress, shortIdOf } from './cage-files.ts';
import { type Cage, type Program, confine, scratchOf, seenFolderOf } from './confine.ts';
import { type Isolation, makeCage } from './isolation.ts';
import { cpuLimitWords } from './limits.ts';
import { type RunnerAction, limitsKeyOf, planRunners, replicaKeyOf } from './plan-runners.ts';
import { RunnerProcess } from './runner-process.ts';
import { type ReplicaSlot, type RunnerSlot, markEnded, newSlot, observationOf, viewOf } from './runner-slot.ts';
import { RunnerWatch } from './runner-watch.ts';
import type {
  InspectionEnd,
  InspectionHost,
  ReplicaWish,
  RunnerObservation,
  RunnerWish,
  RuntimeHost,
} from './runtime-host.ts';
import { type UserPool, createUserPool } from './user-pool.ts';

export interface LocalRuntimeHostOptions {
  /** Folder of the cages, on the file system of the models so that they can be linked. */
  readonly cagesFolder: string;
  readonly runtimeDir: string;
  /** What runners must not see. */
  readonly hidden: readonly string[];
  readonly isolation: Isolation;
  /** How each runtime is started; `--listen unix:…` is added. */
  readonly programs: Readonly<Record<RunnerWish['runtime'], Program>>;
  /** How the inspection program is started; the path of the file is added. */
  readonly inspection: Program;
  /** The environment of runners, whole. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: {
    readonly hangMs: number;
    readonly loadMs: number;
    readonly startMs: number;
    readonly parallelLoads: number;
    readonly parallelStarts: number;
    readonly inspectionMs: number;
    readonly inspectionMemoryBytes: number;
  };
  readonly software: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The runtime host of one machine: makes runners what control wishes, and keeps them so. Whatever happens (a wish, a load
 * that ended, a crash, a timer) leads to the same step: plan from what is, do it, tell who watches.
 */
export class LocalRuntimeHost implements RuntimeHost, InspectionHost {
  readonly isolation: { readonly level: string; readonly advice: string };
  readonly #options: LocalRuntimeHostOptions;
  readonly #slots = new Map<string, RunnerSlot>();
  readonly #watchers = new Set<() => void>();
  readonly #users: UserPool;
  readonly #inspections: CagedInspections;
  readonly #watch: RunnerWatch;
  #wishes: readonly RunnerWish[] = [];
  #isStopping = false;
  #isStepping = false;
  #cancelWake: () => void = () => {};

  constructor(options: LocalRuntimeHostOptions) {
    this.#options = options;
    this.isolation = { level: options.isolation.level, advice: options.isolation.advice };
    this.#users = createUserPool(options.isolation.firstUid);
    this.#inspections = new CagedInspections({ ...options, program: options.inspection, users: this.#users });
    this.#watch = new RunnerWatch({
      slots: () => this.#slots.values(),
      hangMs: options.limits.hangMs,
      clock: options.clock,
      onChange: () => this.#step(),
    });
  }

  /** Clears what an earlier host left and begins to watch. */
  start(): void {
    clearFolder(this.#options.cagesFolder);
    this.#watch.start();
  }

  /** Ends all runners and inspections; resolves when none is left. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelWake();
    this.#watch.stop();
    this.#inspections.kill();
    await Promise.all(
      [...this.#slots.values()].map(async (slot) => {
        slot.phase = slot.process === null ? 'down' : 'stopping';
        await slot.process?.stop();
      }),
    );
    await this.#inspections.stop();
    clearFolder(this.#options.cagesFolder);
  }

  /** Kills all runners and inspections at once. */
  kill(): void {
    this.#isStopping = true;
    this.#inspections.kill();
    for (const slot of this.#slots.values()) slot.process?.kill(new MusterError('runner_crashed', 'Muster was ended'));
  }

  async inspect(file: string, digest: string, signal?: AbortSignal): Promise<InspectionEnd> {
    return await this.#inspections.inspect(file, digest, signal);
  }

  want(wishes: readonly RunnerWish[]): Promise<void> {
    this.#wishes = wishes;
    for (const wish of wishes) {
      const slot = this.#slots.get(wish.id);
      if (slot === undefined) this.#slots.set(wish.id, newSlot(wish, this.addressOf(wish.id)));
      else slot.wish = wish;
    }
    this.#step();
    return Promise.resolve();
  }

  observed(): readonly RunnerObservation[] {
    return [...this.#slots.values()].map((slot) => observationOf(slot, this.isolation.level));
  }

  addressOf(runnerId: string): string {
    return runnerAddress(this.#options.runtimeDir, runnerId);
  }

  onChange(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  #step(): void {
    if (this.#isStopping || this.#isStepping) return;
    this.#isStepping = true;
    const { clock, limits } = this.#options;
    const plan = planRunners(this.#wishes, [...this.#slots.values()].map(viewOf), clock.now(), limits);
    for (const action of plan.actions) {
      try {
        this.#act(action);
      } catch (error) {
        // The next plan asks for it again; meanwhile the other runners go on.
        this.#options.log.error({ err: error, action: action.kind }, 'a step of the runtime host failed');
      }
    }
    this.#isStepping = false;
    this.#cancelWake();
    if (plan.wakeAt !== null)
      this.#cancelWake = clock.after(Math.max(1, plan.wakeAt - clock.now()), () => this.#step());
    for (const watcher of this.#watchers) watcher();
  }

  #act(action: RunnerAction): void {
    const slot = this.#slots.get(action.kind === 'start' ? action.wish.id : action.runner);
    if (slot === undefined) return;
    switch (action.kind) {
      case 'start':
        this.#start(slot);
        break;
      case 'stop':
        slot.phase = 'stopping';
        void slot.process?.stop();
        break;
      case 'forget':
        this.#forget(slot);
        break;
      case 'load':
        void this.#load(slot, action.replica);
        break;
      case 'unload':
        void this.#unload(slot, action.replica);
        break;
      case 'giveUp': {
        const replica = replicaSlot(slot, action.replica);
        const cause = replica.problem?.detail;
        replica.phase = 'failed';
        replica.problem = toProblem(
          new MusterError(
            'load_crashed',
            `loading the model ended its runner ${replica.crashes} times${cause === undefined ? '' : ` (${cause})`}`,
          ),
        );
        // The next turn of the plan goes on with its neighbours.
        queueMicrotask(() => this.#step());
        break;
      }
    }
  }

  #start(slot: RunnerSlot): void {
    const { clock, log } = this.#options;
    if (slot.limitsKey !== limitsKeyOf(slot.wish)) slot.failures = 0;
    slot.limitsKey = limitsKeyOf(slot.wish);
    slot.phase = 'starting';
    slot.startedAt = clock.now();
    try {
      const runner = this.#spawn(slot);
      slot.process = runner;
      runner.connect().then(
        () => {
          if (slot.process !== runner || slot.phase !== 'starting') return;
          slot.phase = 'running';
          log.info(
            { runner: slot.id, pid: runner.pid, startMs: clock.now() - (slot.startedAt ?? 0) },
            'runner started',
          );
          this.#step();
        },
        () => {}, // onEnd follows
      );
    } catch (error) {
      // Not within the plan that asked for the start: the end makes another.
      queueMicrotask(() => this.#ended(slot, toMusterError(error)));
    }
  }

  #spawn(slot: RunnerSlot): RunnerProcess {
    const { isolation, programs, clock } = this.#options;
    const cage = this.#cageOf(slot);
    const socketFile = join(cage.socketFolder, 's');
    const program = programs[slot.wish.runtime];
    const words = cpuLimitWords(
      slot.wish.limits.cpu,
      Number.parseInt(shortIdOf(slot.id).slice(0, 6), 16),
      isolation.tools,
    );
    makeCage(cage);
    const line = confine(
      isolation.level,
      { ...program, arguments: [...program.arguments, '--listen', `unix:${socketFile}`] },
      cage,
      isolation.tools,
    );
    const [command, ...rest] = [...words, line.command];
    return new RunnerProcess({
      line: { command, arguments: [...rest, ...line.arguments] },
      environment: this.#options.environment,
      workingDirectory: scratchOf(cage),
      socketFile,
      software: this.#options.software,
      clock,
      startLimitMs: this.#options.limits.startMs,
      onLine: (text) =>
        this.#options.log.info(
          {
            runner: slot.id,
            team: slot.wish.team,
            replicas: slot.wish.kind === 'own' ? slot.wish.replicas.map(({ id }) => id) : undefined,
          },
          text,
        ),
      onReplicaEvent: (event) => this.#hear(slot, event),
      onEnd: (error) => this.#ended(slot, error),
    });
  }

  #ended(slot: RunnerSlot, error: MusterError): void {
    if (slot.phase !== 'stopping')
      this.#options.log.warn({ runner: slot.id, code: error.code, restarts: slot.restarts }, error.message);
    markEnded(slot, error, toProblem(error), this.#options.clock.now());
    this.#step();
  }

  #forget(slot: RunnerSlot): void {
    const cage = this.#cageOf(slot);
    this.#slots.delete(slot.id);
    this.#users.giveBack(slot.uid);
    for (const folder of [cage.folder, cage.socketFolder]) rmSync(folder, { recursive: true, force: true });
  }

  async #load(slot: RunnerSlot, wish: ReplicaWish): Promise<void> {
    const runner = slot.process;
    if (runner === null) return;
    const replica = replicaSlot(slot, wish);
    replica.phase = 'loading';
    const { loadMs } = this.#options.limits;
    const cancelLimit = this.#options.clock.after(loadMs, () =>
      runner.kill(new MusterError('runner_hung', `loading the model took longer than ${loadMs} ms`)),
    );
    try {
      const cage = this.#cageOf(slot);
      const name = await placeModel(cage.folder, wish, slot.uid !== null);
      const file = join(seenFolderOf(this.#options.isolation.level, cage), 'models', name);
      const sample = wish.sampleFile === undefined ? undefined : await readSample(wish.sampleFile);
      const loaded = await runner.load(
        { replica: wish.id, file, options: wish.options, ...(sample === undefined ? {} : { sample: sample.inputs }) },
        sample?.payload ?? [],
      );
      if (slot.process !== runner) return;
      Object.assign(replica, {
        phase: 'ready',
        crashes: 0,
        problem: undefined,
        loadMs: loaded.loadMs,
        memoryBytes: loaded.memoryBytes,
        runs: 0,
        runMicros: 0,
      });
    } catch (error) {
      // With the process gone, `markEnded` has said what there is to say.
      const known = toMusterError(error);
      if (slot.process !== runner || known.code === 'link_lost') return;
      replica.phase = 'failed';
      replica.problem = toProblem(known);
      this.#options.log.warn({ runner: slot.id, replica: wish.id, err: error }, 'a model could not be loaded');
    } finally {
      cancelLimit();
      this.#step();
    }
  }

  async #unload(slot: RunnerSlot, id: string): Promise<void> {
    const runner = slot.process;
    const replica = slot.replicas.get(id);
    if (runner === null || replica === undefined) return;
    replica.phase = 'unloading';
    // The runner answers for a replica that it does not hold, too; whatever it says, afterwards it holds it no more.
    await runner.unload(id).catch(() => {});
    if (slot.process === runner) {
      slot.replicas.delete(id);
      const isUsed = [...slot.replicas.values(), ...slot.wish.replicas].some(
        (other) => other.digest === replica.digest,
      );
      if (!isUsed) await removeModel(this.#cageOf(slot).folder, replica.digest).catch(() => {});
    }
    this.#step();
  }

  #hear(slot: RunnerSlot, event: ReplicaEvent): void {
    const replica = slot.replicas.get(event.replica);
    if (replica === undefined || event.state === 'ready' || (replica.phase !== 'ready' && replica.phase !== 'unready'))
      return;
    replica.phase = event.state === 'failed' ? 'failed' : 'waiting';
    replica.problem = event.problem;
    this.#step();
  }

  #cageOf(slot: RunnerSlot): Cage {
    const name = shortIdOf(slot.id);
    slot.uid ??= this.#users.take();
    return {
      folder: join(this.#options.cagesFolder, name),
      socketFolder: join(this.#options.runtimeDir, `r-${name}`),
      hidden: this.#options.hidden,
      uid: slot.uid,
    };
  }
}

/** Empties a folder and keeps it, with its mode. */
function clearFolder(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}

function replicaSlot(slot: RunnerSlot, wish: ReplicaWish): ReplicaSlot {
  const known = slot.replicas.get(wish.id);
  const key = replicaKeyOf(wish);
  if (known !== undefined && known.key === key) return known;
  const fresh: ReplicaSlot = { id: wish.id, key, digest: wish.digest, phase: 'waiting', crashes: 0 };
  slot.replicas.set(wish.id, fresh);
  return fresh;
}
