import type { Topic } from '../platform/processes/index.ts';
import { runnerAddress } from './cage-files.ts';
import type { InspectionEnd, InspectionHost, RunnerObservation, RunnerWish, RuntimeHost } from './runtime-host.ts';

/** Name of the topic between control's end of the runtime host and the supervisor's. */
export const runnersTopic = 'runners';

/** From control to the supervisor. */
export type HostRequest =
  | { readonly kind: 'hello' }
  | { readonly kind: 'want'; readonly wishes: readonly RunnerWish[]; readonly number: number }
  | { readonly kind: 'inspect'; readonly file: string; readonly digest: string; readonly number: number }
  | { readonly kind: 'cancelInspection'; readonly number: number };

/** From the supervisor to control. */
export type HostReport =
  | {
      readonly kind: 'observed';
      readonly runners: readonly RunnerObservation[];
      readonly isolation: { readonly level: string; readonly advice: string };
    }
  | { readonly kind: 'noted'; readonly number: number }
  | { readonly kind: 'inspected'; readonly number: number; readonly end: InspectionEnd };

/** Changes within this time are told as one, or within ten times what telling takes: a thousand replicas are 100 kB. */
const gatherMs = 20;

/** The supervisor's side of control. */
export interface ControlEnd {
  readonly topic: Topic<HostRequest, HostReport>;
  /** Calls back each time that control is gone. */
  readonly onEnd: (callback: () => void) => void;
}

/**
 * The supervisor's end: passes wishes and inspections on to the host and tells of changes. Requests wait until there is a
 * host. Inspections end with the control that asked for them; what it wished stays.
 */
export function serveRuntimeHost({ topic, onEnd }: ControlEnd, starting: Promise<RuntimeHost & InspectionHost>): void {
  const inspections = new Map<number, AbortController>();
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = gatherMs;
  const tell = (host: RuntimeHost): void => {
    timer = undefined;
    const from = performance.now();
    topic.send({ kind: 'observed', runners: host.observed(), isolation: host.isolation });
    pauseMs = Math.max(gatherMs, 10 * (performance.now() - from));
  };
  const serve = async (request: HostRequest): Promise<void> => {
    if (request.kind === 'inspect') return await inspect(request);
    if (request.kind === 'cancelInspection') return inspections.get(request.number)?.abort();
    const host = await starting;
    if (request.kind === 'hello') return tell(host);
    await host.want(request.wishes);
    topic.send({ kind: 'noted', number: request.number });
    return undefined;
  };
  const inspect = async ({ file, digest, number }: Extract<HostRequest, { kind: 'inspect' }>): Promise<void> => {
    const abort = new AbortController();
    inspections.set(number, abort);
    const end = await (await starting).inspect(file, digest, abort.signal);
    // The next control counts from one again, and must not be told what the last one asked.
    if (inspections.get(number) !== abort) return;
    inspections.delete(number);
    topic.send({ kind: 'inspected', number, end });
  };
  onEnd(() => {
    for (const abort of inspections.values()) abort.abort();
    inspections.clear();
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
export class ChannelRuntimeHost implements RuntimeHost, InspectionHost {
  readonly #topic: Topic<HostReport, HostRequest>;
  readonly #runtimeDir: string;
  readonly #watchers = new Set<() => void>();
  readonly #noted = new Map<number, () => void>();
  readonly #inspections = new Map<number, (end: InspectionEnd) => void>();
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
    const number = ++this.#last;
    return new Promise((resolve) => {
      this.#noted.set(number, resolve);
      this.#topic.send({ kind: 'want', wishes, number });
    });
  }

  inspect(file: string, digest: string, signal?: AbortSignal): Promise<InspectionEnd> {
    const cancelled: InspectionEnd = { outcome: 'cancelled', detail: 'it was cancelled' };
    if (signal?.aborted === true) return Promise.resolve(cancelled);
    const number = ++this.#last;
    return new Promise((resolve) => {
      const cancel = (): void => {
        this.#topic.send({ kind: 'cancelInspection', number });
        end(cancelled);
      };
      const end = (how: InspectionEnd): void => {
        this.#inspections.delete(number);
        signal?.removeEventListener('abort', cancel);
        resolve(how);
      };
      this.#inspections.set(number, end);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#topic.send({ kind: 'inspect', file, digest, number });
    });
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

  #hear(report: HostReport): void {
    if (report.kind === 'noted') {
      this.#noted.get(report.number)?.();
      this.#noted.delete(report.number);
      return;
    }
    if (report.kind === 'inspected') return this.#inspections.get(report.number)?.(report.end);
    this.#runners = report.runners;
    this.#isolation = report.isolation;
    this.#first.resolve();
    for (const watcher of this.#watchers) watcher();
  }
}
