import type { ReplicaWish, RunnerWish } from './runtime-host.ts';

/**
 * How a runner is, as far as the plan cares. `down`: no process; `preparing`: none yet, what it needs is being made;
 * `starting`: a process that does not answer yet.
 */
export interface RunnerView {
  readonly id: string;
  readonly phase: 'down' | 'preparing' | 'starting' | 'running' | 'stopping';
  /** `limitsKeyOf` the wish that the process was started for. */
  readonly limitsKey: string;
  /** Not started again before (milliseconds since the epoch). */
  readonly retryAt: number;
  readonly replicas: readonly ReplicaView[];
}

export interface ReplicaView {
  readonly id: string;
  /** `replicaKeyOf` the wish that it was loaded for. */
  readonly key: string;
  readonly phase: 'waiting' | 'loading' | 'ready' | 'unready' | 'unloading' | 'failed';
  /** How often the runner died while this replica was loading. */
  readonly crashes: number;
}

export type RunnerAction =
  | { readonly kind: 'start'; readonly wish: RunnerWish }
  | { readonly kind: 'stop'; readonly runner: string }
  /** The runner is down and nobody wants it. */
  | { readonly kind: 'forget'; readonly runner: string }
  | { readonly kind: 'load'; readonly runner: string; readonly replica: ReplicaWish }
  | { readonly kind: 'unload'; readonly runner: string; readonly replica: string }
  /** Its load has killed the runner, alone, too often to try again. */
  | { readonly kind: 'giveUp'; readonly runner: string; readonly replica: ReplicaWish };

export interface RunnerPlan {
  readonly actions: readonly RunnerAction[];
  /** When to plan again even if nothing happens; null: no need. */
  readonly wakeAt: number | null;
}

export interface PlanLimits {
  /** Runners that start at the same time: a start takes a core for a moment. */
  readonly parallelStarts: number;
  /** Loads at the same time in one runner. */
  readonly parallelLoads: number;
}

/** A replica whose load killed the runner is loaded again alone; at this many deaths it is the cause. */
const crashesToGiveUp = 2;

/** Changes when a runner must be started anew for the wish. */
export function limitsKeyOf(wish: RunnerWish): string {
  const { runtime, team, kind, limits, environment, threads, isBackground } = wish;
  return JSON.stringify([
    runtime,
    team,
    kind,
    limits.cpu ?? null,
    limits.memoryBytes ?? null,
    ...(runtime === 'python' ? [environment, threads ?? null, isBackground ?? false] : []),
  ]);
}

const replicaKeys = new WeakMap<ReplicaWish, string>();

/** Changes when a replica must be loaded anew for the wish. Remembered: a plan for a thousand replicas compares them all. */
export function replicaKeyOf(wish: ReplicaWish): string {
  const known = replicaKeys.get(wish);
  if (known !== undefined) return known;
  const key = JSON.stringify([wish.digest, wish.options, wish.python, wish.sampleFile ?? null]);
  replicaKeys.set(wish, key);
  return key;
}

/**
 * What to do now so that the runners come to be what is wished: level-triggered, so a plan that was carried out halfway, or
 * not at all, is made again. What is under way (`starting`, `loading`, …) is never asked for a second time.
 */
export function planRunners(
  wishes: readonly RunnerWish[],
  runners: readonly RunnerView[],
  now: number,
  limits: PlanLimits,
): RunnerPlan {
  const actions: RunnerAction[] = [];
  const wakes: number[] = [];
  const views = new Map(runners.map((view) => [view.id, view]));
  // A pack that holds nothing ends; an empty wish is no wish.
  const wanted = new Map(wishes.filter((wish) => wish.replicas.length > 0).map((wish) => [wish.id, wish]));
  let starting = runners.filter((view) => view.phase === 'starting').length;

  for (const view of runners) {
    const wish = wanted.get(view.id);
    const isOutdated = wish === undefined || limitsKeyOf(wish) !== view.limitsKey;
    if (view.phase === 'down') {
      if (wish === undefined) actions.push({ kind: 'forget', runner: view.id });
    } else if (view.phase !== 'stopping' && isOutdated) {
      actions.push({ kind: 'stop', runner: view.id });
    } else if (view.phase === 'running' && wish !== undefined) {
      actions.push(...planReplicas(wish, view, limits.parallelLoads));
    }
  }

  for (const wish of wanted.values()) {
    const view = views.get(wish.id);
    if (view !== undefined && view.phase !== 'down') continue;
    if (view !== undefined && view.retryAt > now && limitsKeyOf(wish) === view.limitsKey) {
      wakes.push(view.retryAt);
    } else if (starting < limits.parallelStarts) {
      starting += 1;
      actions.push({ kind: 'start', wish });
    }
  }
  return { actions, wakeAt: wakes.length === 0 ? null : Math.min(...wakes) };
}

function planReplicas(wish: RunnerWish, view: RunnerView, parallelLoads: number): RunnerAction[] {
  const wanted = new Map(wish.replicas.map((replica) => [replica.id, replica]));
  const known = new Map(view.replicas.map((replica) => [replica.id, replica]));
  const actions: RunnerAction[] = [];
  for (const replica of view.replicas) {
    const isWanted = wanted.has(replica.id) && replicaKeyOf(wanted.get(replica.id) as ReplicaWish) === replica.key;
    if (!isWanted && replica.phase !== 'unloading' && replica.phase !== 'loading')
      actions.push({ kind: 'unload', runner: view.id, replica: replica.id });
  }
  const loading = view.replicas.filter((replica) => replica.phase === 'loading');
  const isSuspectLoading = loading.some((replica) => replica.crashes > 0);
  let free = isSuspectLoading ? 0 : parallelLoads - loading.length;
  const suspects: ReplicaWish[] = [];
  for (const replica of wish.replicas) {
    const found = known.get(replica.id);
    if (found !== undefined && (found.phase !== 'waiting' || found.key !== replicaKeyOf(replica))) continue;
    if (found !== undefined && found.crashes > 0) {
      if (found.crashes >= crashesToGiveUp) actions.push({ kind: 'giveUp', runner: view.id, replica });
      else suspects.push(replica);
    } else if (free > 0) {
      free -= 1;
      actions.push({ kind: 'load', runner: view.id, replica });
    }
  }
  // A suspect loads when nothing else does, so that its crash is its own, and after all the others.
  const [suspect] = suspects;
  if (suspect !== undefined && loading.length === 0 && free === parallelLoads)
    actions.push({ kind: 'load', runner: view.id, replica: suspect });
  return actions;
}
