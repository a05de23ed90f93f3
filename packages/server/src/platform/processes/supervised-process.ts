import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { MusterError, type ProcessStatus, fromProblem } from '@muster-ml/protocol';
import type { Clock } from '../clock/index.ts';
import { type BackoffRule, backoffMs, failuresAfter } from './backoff.ts';
import { type Channel, type Topic, channelOfChild } from './channel.ts';
import { inheritedFlags } from './inherited-flags.ts';
import { type LifeOrder, type LifeReport, lifeTopic } from './role.ts';

export interface SupervisedProcessOptions {
  readonly role: 'control' | 'gateway';
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What the role is started with; it travels over the channel, not through the environment. */
  readonly settings: unknown;
  /** Added to its niceness: 0 competes as an equal for the CPU, more yields to others. */
  readonly niceness: number;
  /** Clears what an earlier process left, such as its socket. */
  readonly beforeStart: () => void;
  readonly clock: Clock;
  /** A start that takes longer is given up. */
  readonly startLimitMs: number;
  readonly onOutput: (line: string) => void;
  readonly onChange: () => void;
  readonly onIncident: (text: string, error?: MusterError) => void;
}

/** Restarts at once the first time: a gateway that was killed answers again within a second. */
const restartRule: BackoffRule = { firstMs: 20, mostMs: 5_000, healthyMs: 10_000 };

/** A child role that is kept running: started, watched, restarted with growing pauses, drained. */
export class SupervisedProcess {
  readonly #options: SupervisedProcessOptions;
  readonly #topics = new Map<string, { readonly callbacks: Set<(message: never) => void> }>();
  readonly #endCallbacks = new Set<() => void>();
  readonly #firstReady = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  #child: ChildProcess | undefined;
  #channel: Channel | undefined;
  #state: ProcessStatus['state'] = 'starting';
  #detail: string | undefined;
  #startedAt: number | null = null;
  #restarts = 0;
  #failures = 0;
  #wasReady = false;
  #isEnding = false;
  #cancelRestart: () => void = () => {};

  constructor(options: SupervisedProcessOptions) {
    this.#options = options;
    this.#firstReady.promise.catch(() => {});
  }

  /** Resolves with the facts of the first `ready`; throws what the child gave as the reason not to start. */
  start(): Promise<Readonly<Record<string, unknown>>> {
    this.#spawn();
    return this.#firstReady.promise;
  }

  /** A subject that outlives restarts: what is sent while no child runs is dropped. */
  topic<Incoming, Outgoing>(name: string): Topic<Incoming, Outgoing> {
    const known = this.#topics.get(name) ?? { callbacks: new Set() };
    this.#topics.set(name, known);
    return {
      send: (message) => this.#channel?.topic<Incoming, Outgoing>(name).send(message),
      on: (callback) => {
        known.callbacks.add(callback);
        return () => known.callbacks.delete(callback);
      },
    };
  }

  /** Calls back each time that a child has ended, whether another follows or not. */
  onEnd(callback: () => void): void {
    this.#endCallbacks.add(callback);
  }

  status(): ProcessStatus {
    return {
      role: this.#options.role,
      id: this.#options.role,
      state: this.#state,
      pid: this.#child?.pid ?? null,
      startedAt: this.#startedAt === null ? null : new Date(this.#startedAt).toISOString(),
      restarts: this.#restarts,
      memoryBytes: null,
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
    };
  }

  /** Asks the child to finish and waits for its end; after `limitMs` it is killed. */
  async drain(limitMs: number): Promise<void> {
    this.#isEnding = true;
    this.#cancelRestart();
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
    this.#channel?.topic<LifeReport, LifeOrder>(lifeTopic).send({ kind: 'drain' });
    const cancel = this.#options.clock.after(limitMs, () => {
      this.#options.onIncident(`${this.#options.role} did not finish within ${limitMs} ms and was ended`);
      child.kill('SIGKILL');
    });
    await gone;
    cancel();
  }

  /** Ends it at once. */
  kill(): void {
    this.#isEnding = true;
    this.#cancelRestart();
    this.#child?.kill('SIGKILL');
  }

  #spawn(): void {
    const { program, environment, clock, role } = this.#options;
    this.#options.beforeStart();
    const child = fork(program, [...this.#options.arguments], {
      env: { ...environment },
      execArgv: [...inheritedFlags()],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    if (child.pid !== undefined && this.#options.niceness > 0) yieldToOthers(child.pid, this.#options.niceness);
    this.#startedAt = clock.now();
    for (const stream of [child.stdout, child.stderr]) eachLine(stream, this.#options.onOutput);
    const channel = channelOfChild(child);
    this.#channel = channel;
    const life = channel.topic<LifeReport, LifeOrder>(lifeTopic);
    const cancelLimit = clock.after(this.#options.startLimitMs, () => {
      this.#options.onIncident(`${role} did not become ready within ${this.#options.startLimitMs} ms`);
      child.kill('SIGKILL');
    });
    let failure: MusterError | undefined;
    life.on((report) => {
      if (report.kind === 'waiting') return life.send({ kind: 'start', settings: this.#options.settings });
      cancelLimit();
      if (report.kind === 'ready') this.#becomeReady(report.facts);
      else failure = fromProblem(report.problem);
      return undefined;
    });
    for (const [name, { callbacks }] of this.#topics) {
      channel.topic<never, never>(name).on((message) => {
        for (const callback of callbacks) callback(message);
      });
    }
    child.on('error', (error) => {
      // One that could not be started has no end of its own.
      if (child.pid !== undefined) return;
      cancelLimit();
      this.#afterExit(undefined, error.message);
    });
    child.once('exit', (code, signal) => {
      cancelLimit();
      this.#afterExit(failure, signal ?? `exit code ${code}`);
    });
    this.#options.onChange();
  }

  #becomeReady(facts: Readonly<Record<string, unknown>>): void {
    this.#state = 'running';
    this.#detail = undefined;
    this.#wasReady = true;
    this.#firstReady.resolve(facts);
    this.#options.onChange();
  }

  #afterExit(failure: MusterError | undefined, cause: string): void {
    const { role, clock } = this.#options;
    const livedMs = clock.now() - (this.#startedAt ?? 0);
    this.#child = undefined;
    this.#channel = undefined;
    this.#startedAt = null;
    for (const callback of this.#endCallbacks) callback();
    if (this.#isEnding) return this.#options.onChange();
    if (!this.#wasReady) {
      this.#state = 'failed';
      this.#firstReady.reject(
        failure ?? new MusterError('program_failed', `${role} ended before it was ready (${cause})`, { place: role }),
      );
      return this.#options.onChange();
    }
    this.#failures = failuresAfter(restartRule, this.#failures, livedMs);
    const pauseMs = backoffMs(restartRule, this.#failures);
    this.#state = 'restarting';
    this.#detail = failure === undefined ? `ended by ${cause}` : failure.message;
    this.#restarts += 1;
    this.#options.onIncident(`${role} ended (${this.#detail}); starting it again in ${pauseMs} ms`, failure);
    this.#cancelRestart = clock.after(pauseMs, () => this.#spawn());
    return this.#options.onChange();
  }
}

const maxLineChars = 16_384;

/** Calls back for every line of a stream; one that never ends is cut, so that a child cannot fill our memory. */
export function eachLine(stream: NodeJS.ReadableStream | null, callback: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxLineChars);
    for (const line of lines) if (line.trim() !== '') callback(line.slice(0, maxLineChars));
  });
  stream?.on('end', () => {
    if (rest.trim() !== '') callback(rest);
  });
  stream?.on('error', () => {});
}

/** A system that does not allow it loses the preference, nothing else. */
function yieldToOthers(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It runs as an equal.
  }
}
