import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import {
  type HealthReport,
  type InferHeader,
  type LoadRequest,
  type Loaded,
  MusterError,
  type ReplicaEvent,
} from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import {
  type RunnerResult,
  type RuntimeLink,
  health,
  infer,
  load,
  openRuntimeLink,
  unload,
} from '../platform/link/index.ts';
import { killGroup, readProcessTable } from '../platform/processes/index.ts';
import type { CommandLine } from './confine.ts';
import { createProcessFamily } from './process-family.ts';
import { eachOutputLine } from './runner-output.ts';

export interface RunnerProcessOptions {
  readonly line: CommandLine;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly socketFile: string;
  readonly software: string;
  readonly clock: Clock;
  readonly startLimitMs: number;
  readonly onLine: (line: string) => void;
  /** Values that no line may hold. */
  readonly secrets: readonly string[];
  readonly onReplicaEvent: (event: ReplicaEvent) => void;
  /** Called once when the process is gone, with the reason. */
  readonly onEnd: (error: MusterError) => void;
}

const connectPauseMs = 5;
const linkLossMs = 250;
/** After this, a runner that was asked to end is killed. */
const stopLimitMs = 5_000;

/**
 * One runner process from its start to its end. It lives in a process group of its own and ends when its standard input
 * closes, which the kernel does when we are gone.
 */
export class RunnerProcess {
  readonly #options: RunnerProcessOptions;
  readonly #child: ChildProcess;
  readonly #ended = Promise.withResolvers<void>();
  readonly #family = createProcessFamily();
  #link: RuntimeLink | undefined;
  #isEnded = false;
  #reason: MusterError | undefined;
  #cancelLinkLoss: () => void = () => {};

  constructor(options: RunnerProcessOptions) {
    this.#options = options;
    // A crash leaves the socket behind; the new process could not listen on it.
    rmSync(options.socketFile, { force: true });
    this.#child = spawn(options.line.command, [...options.line.arguments], {
      env: { ...options.environment },
      cwd: options.workingDirectory,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child.stdin?.on('error', () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr])
      eachOutputLine(stream, options.clock, options.onLine, options.secrets);
    this.#child.once('error', (error) => this.#end(`could not be started: ${error.message}`));
    this.#child.once('exit', (code, signal) =>
      this.#end(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Resolves when the runner answers on its socket. Throws `runner_crashed` where it does not come to that. */
  async connect(): Promise<void> {
    const until = this.#options.clock.now() + this.#options.startLimitMs;
    for (;;) {
      if (this.#isEnded) throw this.#reason ?? new MusterError('runner_crashed', 'the runner ended while it started');
      try {
        this.#link = await openRuntimeLink({
          address: `unix:${this.#options.socketFile}`,
          role: 'host',
          software: this.#options.software,
          connectTimeoutMs: this.#options.startLimitMs,
          onReplicaEvent: this.#options.onReplicaEvent,
          onClose: (error) => this.#afterLinkLost(error),
        });
        return;
      } catch (error) {
        if (error instanceof MusterError && error.code === 'link_violation') return this.#refuse(error);
        if (this.#options.clock.now() > until)
          return this.#refuse(
            new MusterError(
              'runner_crashed',
              `the runner did not answer within ${this.#options.startLimitMs} ms of its start`,
            ),
          );
        await new Promise((resolve) => setTimeout(resolve, connectPauseMs));
      }
    }
  }

  load(request: LoadRequest, sample: readonly Uint8Array[]): Promise<Loaded> {
    return load(this.#open(), request, sample);
  }

  infer(header: InferHeader, payload: readonly Uint8Array[]): Promise<RunnerResult> {
    return infer(this.#open(), header, payload);
  }

  unload(replica: string): Promise<void> {
    return unload(this.#open(), replica);
  }

  health(): Promise<HealthReport> {
    return health(this.#open());
  }

  /** Asks it to end by closing its input, and kills it if it does not. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#rememberFamily();
    this.#child.stdin?.end();
    const cancel = this.#options.clock.after(stopLimitMs, () => killGroup(this.#child));
    await this.#ended.promise;
    cancel();
  }

  /** Ends it at once, for a reason that its observers should read. */
  kill(reason: MusterError): void {
    this.#reason ??= reason;
    this.#rememberFamily();
    killGroup(this.#child);
  }

  /** Processes that it has started and that must not outlive it, wherever they have gone. */
  remember(pids: readonly number[]): void {
    this.#family.remember(pids);
  }

  #rememberFamily(): void {
    if (this.pid !== null && !this.#isEnded) this.remember(readProcessTable().treeOf(this.pid));
  }

  /** Mostly the process has ended and says how in a moment; one that lives on without a link is of no use. */
  #afterLinkLost(error: MusterError): void {
    if (this.#isEnded) return;
    const reason = new MusterError('runner_crashed', `the runner lives and does not answer (${error.message})`);
    this.#cancelLinkLoss = this.#options.clock.after(linkLossMs, () => this.kill(reason));
  }

  #open(): RuntimeLink {
    if (this.#link === undefined) throw new MusterError('runner_crashed', 'the runner does not answer yet');
    return this.#link;
  }

  #refuse(error: MusterError): never {
    this.kill(error);
    throw error;
  }

  #end(how: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelLinkLoss();
    // What it started goes with it, also what has left its group.
    killGroup(this.#child);
    this.#family.end();
    const signalled = /SIG\w+/.exec(how) !== null;
    this.#reason ??= new MusterError('runner_crashed', `the runner ${how}`, { details: { signalled } });
    this.#link?.close();
    this.#ended.resolve();
    this.#options.onEnd(this.#reason);
  }
}
