import {
  type EnvironmentSpec,
  type MusterError,
  type Problem,
  fromProblem,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';
import type { Topic } from '../platform/processes/index.ts';
import { runnerAddress } from './cage-files.ts';
import type {
  EnvironmentHost,
  EnvironmentWish,
  InspectionEnd,
  InspectionHost,
  InspectionRequest,
  RunnerEnder,
  RunnerObservation,
  RunnerWish,
  RuntimeHost,
} from './runtime-host.ts';

/** Name of the topic between control's end of the runtime host and the supervisor's. */
export const runnersTopic = 'runners';

/** From control to the supervisor. */
export type HostRequest =
  | { readonly kind: 'hello' }
  | { readonly kind: 'want'; readonly wishes: readonly RunnerWish[]; readonly number: number }
  | { readonly kind: 'inspect'; readonly request: InspectionRequest; readonly number: number }
  | { readonly kind: 'makeEnvironment'; readonly wish: EnvironmentWish; readonly number: number }
  | { readonly kind: 'keepEnvironments'; readonly specs: readonly EnvironmentSpec[]; readonly number: number }
  | { readonly kind: 'endRunner'; readonly runner: string; readonly reason: string; readonly number: number }
  /** Ends an inspection, or the making of an environment. */
  | { readonly kind: 'cancel'; readonly number: number };

/** From the supervisor to control. */
export type HostReport =
  | {
      readonly kind: 'observed';
      readonly runners: readonly RunnerObservation[];
      readonly isolation: { readonly level: string; readonly advice: string };
    }
  | { readonly kind: 'noted'; readonly number: number }
  | { readonly kind: 'inspected'; readonly number: number; readonly end: InspectionEnd }
  | { readonly kind: 'progress'; readonly number: number; readonly text: string }
  | { readonly kind: 'made'; readonly number: number; readonly spec: EnvironmentSpec }
  | { readonly kind: 'notMade'; readonly number: number; readonly problem: Problem };

/** Changes within this time are told as one, or within ten times what telling takes: a thousand replicas are 100 kB. */
const gatherMs = 20;

/** The supervisor's side of control. */
export interface ControlEnd {
  readonly topic: Topic<HostRequest, HostReport>;
  /** Calls back each time that control is gone. */
  readonly onEnd: (callback: () => void) => void;
}

/** All that control asks of the machine that runners are on. */
export type Hosts = RuntimeHost & InspectionHost & EnvironmentHost & RunnerEnder;

/**
 * The supervisor's end: passes on to the host what control asks, and tells of changes. Requests wait until there is a
 * host. Inspections and environments end with the control that asked for them; what it wished stays.
 */
export function serveRuntimeHost({ topic, onEnd }: ControlEnd, starting: Promise<Hosts>): void {
  const underWay = new Map<number, AbortController>();
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = gatherMs;
  const tell = (host: RuntimeHost): void => {
    timer = undefined;
    const from = performance.now();
    topic.send({ kind: 'observed', runners: host.observed(), isolation: host.isolation });
    pauseMs = Math.max(gatherMs, 10 * (performance.now() - from));
  };
  const serve = async (request: HostRequest): Promise<void> => {
    switch (request.kind) {
      case 'cancel':
        return underWay.get(request.number)?.abort();
      case 'hello':
        return tell(await starting);
      case 'want':
        await (await starting).want(request.wishes);
        return topic.send({ kind: 'noted', number: request.number });
      case 'keepEnvironments':
        await (await starting).keepEnvironments(request.specs).catch(() => {}); // asked again before long
        return topic.send({ kind: 'noted', number: request.number });
      case 'endRunner':
        await (await starting).endRunner(request.runner, request.reason);
        return topic.send({ kind: 'noted', number: request.number });
      case 'inspect':
        return await cancellable(request.number, async (host, signal) => {
          const end = await host.inspect(request.request, signal);
          return { kind: 'inspected', number: request.number, end };
        });
      case 'makeEnvironment':
        return await cancellable(request.number, async (host, signal) => await make(host, request, signal));
    }
  };
  const make = async (
    host: EnvironmentHost,
    { wish, number }: Extract<HostRequest, { kind: 'makeEnvironment' }>,
    signal: AbortSignal,
  ): Promise<HostReport> => {
    const onProgress = (text: string): void => {
      if (!signal.aborted) topic.send({ kind: 'progress', number, text });
    };
    try {
      return { kind: 'made', number, spec: await host.makeEnvironment(wish, onProgress, signal) };
    } catch (error) {
      return { kind: 'notMade', number, problem: toProblem(toMusterError(error)) };
    }
  };
  const cancellable = async (
    number: number,
    work: (host: Hosts, signal: AbortSignal) => Promise<HostReport>,
  ): Promise<void> => {
    const abort = new AbortController();
    underWay.set(number, abort);
    const report = await work(await starting, abort.signal);
    // The next control counts from one again, and must not be told what the last one asked.
    if (underWay.get(number) !== abort) return;
    underWay.delete(number);
    topic.send(report);
  };
  onEnd(() => {
    for (const abort of underWay.values()) abort.abort();
    underWay.clear();
  });
  starting.then(
    (host) =>
      host.onChange(() => {
        timer ??= setTimeout(tell, pauseMs, host);
      }),
    () => {}, // whoever starts the host hears of it
  );
  topic.on((request) => {
    serve(request).catch(() => {});
  });
}

/** Control's end: the same port, over the channel. `ready` resolves with the first observation. */
export class ChannelRuntimeHost implements RuntimeHost, InspectionHost, EnvironmentHost, RunnerEnder {
  readonly #topic: Topic<HostReport, HostRequest>;
  readonly #runtimeDir: string;
  readonly #watchers = new Set<() => void>();
  readonly #noted = new Map<number, () => void>();
  readonly #inspections = new Map<number, (end: InspectionEnd) => void>();
  readonly #makings = new Map<number, Making>();
  readonly #first = Promise.withResolvers<void>();
  #last = 0;
  #runners: readonly RunnerObservation[] = [];
  #isolation = { level: 'unknown', advice: 'The supervisor has not told yet.' };

  constructor(topic: Topic<HostReport, HostRequest>, runtimeDir: string) {
    this.#topic = topic;
    this.#runtimeDir = runtimeDir;
    topic.on((report) => this.#hear(report));
    topic.send({ kind: 'hello' });
  }

  /** Resolves when the supervisor has told what runs: before that, `observed` is empty and says nothing. */
  get ready(): Promise<void> {
    return this.#first.promise;
  }

  get isolation(): { readonly level: string; readonly advice: string } {
    return this.#isolation;
  }

  want(wishes: readonly RunnerWish[]): Promise<void> {
    return this.#note((number) => ({ kind: 'want', wishes, number }));
  }

  inspect(request: InspectionRequest, signal?: AbortSignal): Promise<InspectionEnd> {
    const cancelled: InspectionEnd = { outcome: 'cancelled', detail: 'it was cancelled' };
    if (signal?.aborted === true) return Promise.resolve(cancelled);
    const number = ++this.#last;
    return new Promise((resolve) => {
      const cancel = (): void => {
        this.#topic.send({ kind: 'cancel', number });
        end(cancelled);
      };
      const end = (how: InspectionEnd): void => {
        this.#inspections.delete(number);
        signal?.removeEventListener('abort', cancel);
        resolve(how);
      };
      this.#inspections.set(number, end);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#topic.send({ kind: 'inspect', request, number });
    });
  }

  async makeEnvironment(
    wish: EnvironmentWish,
    onProgress: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<EnvironmentSpec> {
    signal?.throwIfAborted();
    const number = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<EnvironmentSpec>();
    const cancel = (): void => {
      this.#topic.send({ kind: 'cancel', number });
      reject(signal?.reason);
    };
    this.#makings.set(number, { onProgress, resolve, reject });
    signal?.addEventListener('abort', cancel, { once: true });
    this.#topic.send({ kind: 'makeEnvironment', wish, number });
    try {
      return await promise;
    } finally {
      this.#makings.delete(number);
      signal?.removeEventListener('abort', cancel);
    }
  }

  keepEnvironments(specs: readonly EnvironmentSpec[]): Promise<void> {
    return this.#note((number) => ({ kind: 'keepEnvironments', specs, number }));
  }

  endRunner(runner: string, reason: string): Promise<void> {
    return this.#note((number) => ({ kind: 'endRunner', runner, reason, number }));
  }

  observed(): readonly RunnerObservation[] {
    return this.#runners;
  }

  addressOf(runnerId: string): string {
    return runnerAddress(this.#runtimeDir, runnerId);
  }

  onChange(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  /** Sends what the host has to take note of; resolves when it has. */
  #note(request: (number: number) => HostRequest): Promise<void> {
    const number = ++this.#last;
    return new Promise((resolve) => {
      this.#noted.set(number, resolve);
      this.#topic.send(request(number));
    });
  }

  #hear(report: HostReport): void {
    switch (report.kind) {
      case 'noted':
        this.#noted.get(report.number)?.();
        this.#noted.delete(report.number);
        return;
      case 'inspected':
        return this.#inspections.get(report.number)?.(report.end);
      case 'progress':
        return this.#makings.get(report.number)?.onProgress(report.text);
      case 'made':
        return this.#makings.get(report.number)?.resolve(report.spec);
      case 'notMade':
        return this.#makings.get(report.number)?.reject(fromProblem(report.problem));
      case 'observed':
        this.#runners = report.runners;
        this.#isolation = report.isolation;
        this.#first.resolve();
        for (const watcher of this.#watchers) watcher();
    }
  }
}

/** An environment that was asked for. */
interface Making {
  readonly onProgress: (text: string) => void;
  readonly resolve: (spec: EnvironmentSpec) => void;
  readonly reject: (error: MusterError) => void;
}
