import { MusterError, type Problem, toProblem } from '@muster-ml/protocol';
import type { ReplicaObservation, RunnerObservation, RunnerWish, RuntimeHost } from '../../src/runners/index.ts';
import type { Choices } from './simulated-clock.ts';

/** What happens when a model with this digest is loaded. */
export type LoadBehaviour = 'good' | 'slow' | 'flaky' | 'invalid' | 'crashes';

interface SimulatedRunner {
  wish: RunnerWish;
  state: RunnerObservation['state'];
  restarts: number;
  readonly replicas: Map<string, { state: ReplicaObservation['state']; problem?: Problem; digest: string }>;
}

function newRunner(wish: RunnerWish): SimulatedRunner {
  return { wish, state: 'starting', restarts: 0, replicas: new Map() };
}

/** A runtime host that starts slowly, dies at random and outlives control. It sees to it that nobody takes from it what is in use. */
export interface SimulatedHost {
  /** The port of one control process. */
  connect(awaitPoint: (where: string) => void): RuntimeHost;
  /** Lets each runner do something; with `faults`, also die. */
  step(faults: boolean): void;
  wished(): readonly RunnerWish[];
  wishedReplicas(): ReadonlySet<string>;
  /** Whether a replica has ever answered. */
  wasReady(replica: string): boolean;
  isReady(replica: string): boolean;
}

export function createSimulatedHost(
  choices: Choices,
  behaviourOf: (digest: string) => LoadBehaviour,
  onWant: (before: ReadonlySet<string>, wishes: readonly RunnerWish[]) => void,
): SimulatedHost {
  const runners = new Map<string, SimulatedRunner>();
  const answered = new Set<string>();
  const listeners = new Set<() => void>();
  const ids = (): ReadonlySet<string> =>
    new Set([...runners.values()].flatMap((runner) => runner.wish.replicas.map((replica) => replica.id)));

  function take(wishes: readonly RunnerWish[]): void {
    onWant(ids(), wishes);
    const wished = new Map(wishes.map((wish) => [wish.id, wish]));
    for (const id of runners.keys()) if (!wished.has(id)) runners.delete(id);
    for (const wish of wishes) {
      const runner = runners.get(wish.id) ?? newRunner(wish);
      runners.set(wish.id, runner);
      runner.wish = wish;
      const kept = new Set(wish.replicas.map((replica) => replica.id));
      for (const id of runner.replicas.keys()) if (!kept.has(id)) runner.replicas.delete(id);
      for (const replica of wish.replicas)
        if (!runner.replicas.has(replica.id))
          runner.replicas.set(replica.id, { state: 'waiting', digest: replica.digest });
    }
  }

  function die(runner: SimulatedRunner): void {
    runner.restarts += 1;
    runner.state = 'restarting';
    for (const [id, replica] of runner.replicas) runner.replicas.set(id, { state: 'waiting', digest: replica.digest });
  }

  function load(runner: SimulatedRunner, id: string, digest: string, faults: boolean): void {
    const behaviour = behaviourOf(digest);
    if (behaviour === 'crashes') return die(runner);
    if (behaviour === 'slow' && choices.chance(0.6)) return;
    if (behaviour === 'invalid') {
      runner.replicas.set(id, {
        state: 'failed',
        digest,
        problem: toProblem(new MusterError('invalid_model_file', 'no model')),
      });
    } else if (behaviour === 'flaky' && faults && choices.chance(0.5)) {
      runner.replicas.set(id, {
        state: 'failed',
        digest,
        problem: toProblem(new MusterError('program_failed', 'out of luck')),
      });
    } else {
      runner.replicas.set(id, { state: 'ready', digest });
      answered.add(id);
    }
  }

  function advance(runner: SimulatedRunner, faults: boolean): void {
    if (faults && runner.state === 'running' && choices.chance(0.03)) return die(runner);
    if (runner.state !== 'running') {
      if (choices.chance(0.7)) runner.state = 'running';
      return;
    }
    for (const [id, replica] of runner.replicas) {
      if (replica.state === 'waiting') runner.replicas.set(id, { state: 'loading', digest: replica.digest });
      else if (replica.state === 'loading') {
        load(runner, id, replica.digest, faults);
        if (runner.state !== 'running') return;
      } else if (replica.state === 'ready' && faults && choices.chance(0.01))
        runner.replicas.set(id, { state: 'unready', digest: replica.digest });
      else if (replica.state === 'unready' && choices.chance(0.5))
        runner.replicas.set(id, { state: 'ready', digest: replica.digest });
    }
  }

  return {
    connect: (awaitPoint) => ({
      want: async (wishes) => {
        awaitPoint('want');
        await Promise.resolve();
        take(wishes);
        awaitPoint('wanted');
      },
      observed: () =>
        [...runners.values()].map((runner) => ({
          id: runner.wish.id,
          state: runner.state,
          pid: null,
          address: `unix:/${runner.wish.id}`,
          startedAt: null,
          restarts: runner.restarts,
          rssBytes: null,
          cpuMicros: null,
          isolation: 'none',
          replicas: [...runner.replicas].map(([id, { state, problem }]) => ({
            id,
            state,
            ...(problem === undefined ? {} : { problem }),
          })),
        })),
      addressOf: (runner) => `unix:/${runner}`,
      onChange: (callback) => {
        listeners.add(callback);
        return () => void listeners.delete(callback);
      },
      isolation: { level: 'none', advice: '' },
    }),
    step(faults) {
      for (const runner of runners.values()) advance(runner, faults);
      // Some changes go untold: the reconciler looks by itself.
      if (choices.chance(0.8)) for (const listener of listeners) listener();
    },
    wished: () => [...runners.values()].map((runner) => runner.wish),
    wishedReplicas: ids,
    wasReady: (replica) => answered.has(replica),
    isReady: (replica) => [...runners.values()].some((runner) => runner.replicas.get(replica)?.state === 'ready'),
  };
}
