import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type EnvironmentSpec,
  MusterError,
  type ReplicaEvent,
  fromProblem,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';
import { CagedInspections } from './caged-inspections.ts';
import { removeModel, runnerAddress, shortIdOf } from './cage-files.ts';
import { type Cage, scratchOf } from './confine.ts';
import { endLeftovers } from './end-leftovers.ts';
import { loadReplica } from './load-replica.ts';
import { createMask } from './mask-secrets.ts';
import { type RunnerAction, limitsKeyOf, planRunners } from './plan-runners.ts';
import type { LocalRuntimeHostOptions } from './local-host-options.ts';
import type { PythonHome } from './python-program.ts';
import { launchRunner } from './runner-launch.ts';
import { RunnerProcess } from './runner-process.ts';
import { type RunnerSlot, markEnded, newSlot, observationOf, replicaSlot, viewOf } from './runner-slot.ts';
import { RunnerWatch } from './runner-watch.ts';
import type {
  EnvironmentHost,
  EnvironmentWish,
  InspectionEnd,
  InspectionHost,
  InspectionRequest,
  ReplicaWish,
  RunnerEnder,
  RunnerObservation,
  RunnerWish,
  RuntimeHost,
} from './runtime-host.ts';
import { type UserPool, createUserPool } from './user-pool.ts';

/**
 * The runtime host of one machine: makes runners what control wishes, and keeps them so. Whatever happens (a wish, a load
 * that ended, a crash, a timer) leads to the same step: plan from what is, do it, tell who watches.
 */
export class LocalRuntimeHost implements RuntimeHost, InspectionHost, EnvironmentHost, RunnerEnder {
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
    this.#inspections = new CagedInspections({ ...options, users: this.#users });
    this.#watch = new RunnerWatch({
      slots: () => this.#slots.values(),
      limits: options.limits,
      scratchOf: (slot) => scratchOf(this.#cageOf(slot)),
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
        slot.preparing?.abort();
        await slot.process?.stop();
      }),
    );
    await this.#inspections.stop();
    await this.#options.environments.stop();
    clearFolder(this.#options.cagesFolder);
  }

  /** Kills all runners and inspections at once. */
  kill(): void {
    this.#isStopping = true;
    this.#inspections.kill();
    void this.#options.environments.stop();
    for (const slot of this.#slots.values()) slot.process?.kill(new MusterError('runner_crashed', 'Muster was ended'));
  }

  async inspect(request: InspectionRequest, signal?: AbortSignal): Promise<InspectionEnd> {
    return await this.#inspections.inspect(request, signal);
  }

  async makeEnvironment(
    wish: EnvironmentWish,
    onProgress: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<EnvironmentSpec> {
    return await this.#options.environments.makeEnvironment(wish, onProgress, signal);
  }

  async keepEnvironments(specs: readonly EnvironmentSpec[]): Promise<void> {
    const wished = this.#wishes.flatMap(({ environment }) => environment ?? []);
    await this.#options.environments.keepEnvironments([...specs, ...wished]);
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

  endRunner(runnerId: string, reason: string): Promise<void> {
    const slot = this.#slots.get(runnerId);
    if (slot?.process !== null && slot?.process !== undefined && slot.phase !== 'stopping') {
      slot.isEndedOnPurpose = true;
      slot.process.kill(new MusterError('runner_crashed', `it was ended on purpose: ${reason}`));
    }
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
    this.#tell();
  }

  #tell(): void {
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
        this.#stop(slot);
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
    if (slot.limitsKey !== limitsKeyOf(slot.wish)) slot.failures = 0;
    slot.limitsKey = limitsKeyOf(slot.wish);
    if (slot.wish.runtime === 'python') return void this.#prepare(slot);
    return this.#startProcess(slot, null);
  }

  /** Before a Python runner can start, its environment must be there. */
  async #prepare(slot: RunnerSlot): Promise<void> {
    const { environments } = this.#options;
    const { environment } = slot.wish;
    const preparing = new AbortController();
    slot.phase = 'preparing';
    slot.preparing = preparing;
    const show = (text: string): void => {
      if (slot.preparing !== preparing) return;
      slot.progress = text;
      this.#tell();
    };
    try {
      if (environment === undefined)
        throw new MusterError('environment_failed', 'nobody said which environment it needs');
      const home = await environments.ensure(environment, show, preparing.signal);
      // One that was there already comes although nobody wants it any more.
      if (preparing.signal.aborted || this.#isStopping) return;
      slot.release = environments.hold(home.digest);
      slot.preparing = null;
      slot.progress = undefined;
      this.#startProcess(slot, home);
      this.#tell();
    } catch (error) {
      queueMicrotask(() => {
        if (slot.preparing === preparing) this.#ended(slot, toMusterError(error));
      });
    }
  }

  #startProcess(slot: RunnerSlot, home: PythonHome | null): void {
    const { clock, log } = this.#options;
    slot.phase = 'starting';
    slot.startedAt = clock.now();
    try {
      const runner = this.#spawn(slot, home);
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

  #stop(slot: RunnerSlot): void {
    slot.phase = 'stopping';
    if (slot.process !== null) return void slot.process.stop();
    slot.preparing?.abort();
    return queueMicrotask(() => this.#ended(slot, new MusterError('request_cancelled', 'it is not wished any more')));
  }

  #spawn(slot: RunnerSlot, home: PythonHome | null): RunnerProcess {
    const { clock, limits, log, software } = this.#options;
    const { wish } = slot;
    const launch = launchRunner(wish, this.#cageOf(slot), home, this.#options);
    const secrets = Object.values(wish.secrets ?? {});
    slot.mask = createMask(secrets);
    const about = {
      runner: slot.id,
      team: wish.team,
      replicas: wish.kind === 'own' ? wish.replicas.map(({ id }) => id) : undefined,
    };
    return new RunnerProcess({
      ...launch,
      software,
      clock,
      startLimitMs: limits.startMs,
      secrets,
      onLine: (text) => log.info(about, text),
      onReplicaEvent: (event) => this.#hear(slot, event),
      onEnd: (error) => this.#ended(slot, error),
    });
  }

  #ended(slot: RunnerSlot, error: MusterError): void {
    if (slot.phase !== 'stopping')
      this.#options.log.warn({ runner: slot.id, code: error.code, restarts: slot.restarts }, error.message);
    // Without namespaces, what a runner started may have left its process group.
    if (slot.process !== null && slot.uid !== null && this.isolation.level === 'uid') endLeftovers(slot.uid);
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
      const loaded = await loadReplica(runner, wish, this.#cageOf(slot), this.#options.isolation.level);
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
      const problem = slot.mask.problem(toProblem(known));
      replica.problem = problem;
      this.#options.log.warn(
        { runner: slot.id, replica: wish.id, err: slot.wish.secrets === undefined ? error : fromProblem(problem) },
        'a model could not be loaded',
      );
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
    replica.problem = event.problem === undefined ? undefined : slot.mask.problem(event.problem);
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
