import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { MusterError, type RestoreReport, fromProblem, problemSchema, restoreReportSchema } from '@muster-ml/protocol';
import { Interrupted } from '../interrupted.ts';
import { endWithUs, serverProgram } from '../server-program.ts';

export interface RestoreRun {
  /** The folder of the backup, then flags of the server's program. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

const errorTailChars = 4096;

/** Runs the server's `restore` to its end. Throws the error that it gave. */
export async function runRestore(run: RestoreRun): Promise<RestoreReport> {
  const { program, nodeFlags } = serverProgram();
  const child = spawn(process.execPath, [...nodeFlags, `--import=${endWithUs}`, program, 'restore', ...run.words], {
    env: { ...run.env },
    cwd: run.workingDirectory,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const interrupt = (): void => void child.kill('SIGTERM');
  run.signal.addEventListener('abort', interrupt, { once: true });
  let errorTail = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errorTail = (errorTail + chunk).slice(-errorTailChars);
  });
  const closed = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  // It is awaited below; until then a failed start must not count as unhandled.
  closed.catch(() => {});
  let last: unknown;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      last = parsed(line);
      const progress = memberOf(last, 'progress');
      if (typeof progress === 'string') run.onProgress(progress);
    }
    await closed;
  } finally {
    run.signal.removeEventListener('abort', interrupt);
  }
  const report = restoreReportSchema.safeParse(memberOf(last, 'report'));
  if (report.success) return report.data;
  if (run.signal.aborted) throw new Interrupted('The place is as empty as it was.');
  const problem = problemSchema.safeParse(memberOf(last, 'problem'));
  if (problem.success) throw fromProblem(problem.data);
  throw new MusterError('restore_failed', `the program of the server ended without an answer: ${errorTail.trim()}`);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
