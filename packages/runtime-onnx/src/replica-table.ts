import {
  type HealthReport,
  type Loaded,
  type OnnxLoadRequest,
  MusterError,
  type Problem,
  type ReplicaEvent,
  type Tensor,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';
import { type Replica, type RunResult, type WarmUp, loadReplica } from './replica.ts';

interface Entry {
  readonly request: OnnxLoadRequest;
  state: 'loading' | 'ready' | 'failed';
  replica?: Replica;
  loaded?: Loaded;
  problem?: Problem;
  runs: number;
  runMicros: number;
}

/** The replicas of this runner by id. Its calls are jobs of the run queue: one at a time. */
export interface ReplicaTable {
  /** Ids of the replicas that answer. */
  ready(): string[];
  /** Notes a wish to load, so that health shows it while it waits. */
  announce(request: OnnxLoadRequest): void;
  /** Loads and warms up; a replica that is ready already is answered as it is. Throws what loading or warming up throws. */
  load(request: OnnxLoadRequest, sample: readonly Tensor[] | undefined): Promise<Loaded>;
  /** Runs a batch. Throws `replica_not_loaded`, and what the run throws. */
  run(id: string, inputs: readonly Tensor[], outputs: readonly string[] | undefined): Promise<RunResult>;
  /** Releases a replica; one that is not there is fine. */
  unload(id: string): Promise<void>;
  report(): HealthReport;
}

/** `onEvent` hears of every replica that became ready, failed to, or ceased to be. */
export function createReplicaTable(onEvent: (event: ReplicaEvent) => void): ReplicaTable {
  const entries = new Map<string, Entry>();

  function entryOf(request: OnnxLoadRequest): Entry {
    const known = entries.get(request.replica);
    if (known !== undefined && known.state !== 'failed') return known;
    const entry: Entry = { request, state: 'loading', runs: 0, runMicros: 0 };
    entries.set(request.replica, entry);
    return entry;
  }

  async function load(request: OnnxLoadRequest, sample: readonly Tensor[] | undefined): Promise<Loaded> {
    const entry = entryOf(request);
    if (
      entry.request.file !== request.file ||
      JSON.stringify(entry.request.options) !== JSON.stringify(request.options)
    ) {
      throw new MusterError(
        'link_violation',
        `replica "${request.replica}" is loaded already, from another file or with other options`,
      );
    }
    if (entry.loaded !== undefined) return entry.loaded;
    try {
      const loaded = await measure(entry, request, sample);
      onEvent({ replica: request.replica, state: 'ready' });
      return loaded;
    } catch (thrown) {
      const problem = toProblem(toMusterError(thrown));
      Object.assign(entry, { state: 'failed', problem });
      onEvent({ replica: request.replica, state: 'failed', problem });
      throw thrown;
    }
  }

  async function measure(
    entry: Entry,
    { replica: id, file, options }: OnnxLoadRequest,
    sample: readonly Tensor[] | undefined,
  ): Promise<Loaded> {
    const rssBefore = process.memoryUsage.rss();
    const startedAt = performance.now();
    const replica = await loadReplica(file, options);
    const loadedAt = performance.now();
    let warmUp: WarmUp;
    try {
      warmUp = await replica.warmUp(sample);
    } catch (thrown) {
      await replica.release();
      throw thrown;
    }
    const loaded: Loaded = {
      replica: id,
      loadMs: milliseconds(loadedAt - startedAt),
      warmupMs: milliseconds(performance.now() - loadedAt),
      memoryBytes: Math.max(0, process.memoryUsage.rss() - rssBefore),
      warmup: warmUp.answered,
    };
    Object.assign(entry, { state: 'ready', replica, loaded });
    return loaded;
  }

  async function run(
    id: string,
    inputs: readonly Tensor[],
    outputs: readonly string[] | undefined,
  ): Promise<RunResult> {
    const entry = entries.get(id);
    if (entry?.replica === undefined)
      throw new MusterError('replica_not_loaded', `replica "${id}" is not ready in this runner`, {
        retryAfterSeconds: 1,
      });
    const result = await entry.replica.run(inputs, outputs);
    entry.runs += 1;
    entry.runMicros += result.runMicros;
    return result;
  }

  async function unload(id: string): Promise<void> {
    const entry = entries.get(id);
    entries.delete(id);
    if (entry?.replica === undefined) return;
    onEvent({ replica: id, state: 'gone' });
    await entry.replica.release();
  }

  function report(): HealthReport {
    const { user, system } = process.cpuUsage();
    return {
      cpuMicros: user + system,
      rssBytes: process.memoryUsage.rss(),
      replicas: [...entries].map(([replica, { state, runs, runMicros, loaded }]) => ({
        replica,
        state,
        runs,
        runMicros,
        memoryBytes: loaded?.memoryBytes ?? 0,
      })),
    };
  }

  return {
    ready: () => [...entries].flatMap(([id, { state }]) => (state === 'ready' ? [id] : [])),
    announce: (request) => void entryOf(request),
    load,
    run,
    unload,
    report,
  };
}

function milliseconds(duration: number): number {
  return Math.round(duration * 100) / 100;
}
