import { type ChildProcess, spawn } from 'node:child_process';
import { readProcessTable } from './process-usage.ts';
import { eachLine } from './supervised-process.ts';

export interface ProgramRun {
  readonly command: string;
  readonly arguments: readonly string[];
  /** The whole environment of the program; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly input?: Uint8Array;
  readonly timeoutMs: number;
  /** Most resident memory of the program and what it starts, looked at each 50 ms; absent: nobody looks. */
  readonly memoryBytes?: number;
  /** Most bytes on its standard output. */
  readonly maxOutputBytes: number;
  /** Ends it before its time. */
  readonly signal?: AbortSignal | undefined;
  /** Gets its number once it runs. */
  readonly onStart?: (pid: number) => void;
  /** Gets each line of its standard error when it comes. */
  readonly onErrorLine?: (line: string) => void;
}

/** How a program ended; `errorTail` is the end of what it wrote to standard error. */
export type ProgramEnd =
  | { readonly outcome: 'done'; readonly output: Uint8Array }
  | {
      readonly outcome: 'failed';
      readonly detail: string;
      readonly exitCode: number | null;
      readonly output: Uint8Array;
      readonly errorTail: string;
    }
  | { readonly outcome: Cut; readonly detail: string; readonly errorTail: string };

/** Why a program did not get to its own end. */
type Cut = 'timeout' | 'memory' | 'output' | 'cancelled';

const errorTailChars = 4096;
const memoryPollMs = 50;

/** Runs a program to its end in a process group of its own, within limits; what exceeds them is killed with all that it started. */
export function runProgram(run: ProgramRun): Promise<ProgramEnd> {
  const cancelled = { outcome: 'cancelled', detail: 'it was cancelled' } as const;
  if (run.signal?.aborted === true) return Promise.resolve({ ...cancelled, errorTail: '' });
  return new Promise((resolve) => {
    const child = spawn(run.command, [...run.arguments], {
      env: { ...run.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      ...(run.workingDirectory === undefined ? {} : { cwd: run.workingDirectory }),
    });
    if (child.pid !== undefined) run.onStart?.(child.pid);
    const output: Uint8Array[] = [];
    let outputBytes = 0;
    let errorTail = '';
    let cut: { readonly outcome: Cut; readonly detail: string } | undefined;
    const exceed = (outcome: Cut, detail: string): void => {
      cut ??= { outcome, detail };
      killGroup(child);
    };
    const cancel = (): void => exceed(cancelled.outcome, cancelled.detail);
    run.signal?.addEventListener('abort', cancel, { once: true });
    const timer = setTimeout(() => exceed('timeout', `it took longer than ${run.timeoutMs} ms`), run.timeoutMs);
    const watchMemory = (memoryBytes: number): void => {
      const rssBytes = child.pid === undefined ? 0 : (readProcessTable().usageOf(child.pid)?.rssBytes ?? 0);
      if (rssBytes > memoryBytes)
        exceed('memory', `it took ${rssBytes} bytes of memory, more than the ${memoryBytes} allowed`);
    };
    const { memoryBytes } = run;
    const poll = memoryBytes === undefined ? undefined : setInterval(() => watchMemory(memoryBytes), memoryPollMs);
    const end = (result: ProgramEnd): void => {
      clearTimeout(timer);
      clearInterval(poll);
      run.signal?.removeEventListener('abort', cancel);
      killGroup(child);
      resolve(result);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.byteLength;
      if (outputBytes > run.maxOutputBytes) exceed('output', `it wrote more than ${run.maxOutputBytes} bytes`);
      else output.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errorTail = (errorTail + chunk).slice(-errorTailChars);
    });
    if (run.onErrorLine !== undefined) eachLine(child.stderr, run.onErrorLine);
    child.stdin.on('error', () => {}); // it may end without reading
    // Without anything to read it stays open: a program that watches it hears when we are gone.
    if (run.input !== undefined) child.stdin.end(run.input);
    child.once('error', (error) =>
      end({ outcome: 'failed', detail: error.message, exitCode: null, output: new Uint8Array(0), errorTail }),
    );
    child.once('close', (exitCode, signal) => {
      if (cut !== undefined) return end({ ...cut, errorTail });
      const whole = Buffer.concat(output);
      if (exitCode === 0) return end({ outcome: 'done', output: whole });
      return end({
        outcome: 'failed',
        detail: signal === null ? `exit code ${exitCode}` : `ended by ${signal}`,
        exitCode,
        output: whole,
        errorTail,
      });
    });
  });
}

/** Kills a process that leads a group (spawned `detached`) and everything in the group. Safe to repeat. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
