import { spawn } from 'node:child_process';

/** How a program ended that was given a limited time. */
export interface ProgramEnd {
  /** Null where it was ended: by a signal, by its time, or because it said too much; or where it could not be started. */
  readonly exitCode: number | null;
  readonly stdout: string;
  /** The end of what it said beside. */
  readonly stderr: string;
  readonly reason: 'exited' | 'timeout' | 'output' | 'not_started';
}

export interface ProgramLimits {
  readonly timeoutMs: number;
  /** Address space, where the system can limit it; for programs whose runtime does not reserve more than it uses. */
  readonly memoryBytes?: number;
}

const maxStdoutBytes = 64 * 2 ** 20;
const maxStderrChars = 4000;

/** Sets the kernel's own limits, which also hold when nobody watches any more, and becomes the program. */
const limitedScript = 'ulimit -c 0; ulimit -t "$1"; [ "$2" = 0 ] || ulimit -v "$2"; shift 2; exec "$@"';

/** Runs a program to its end, without a terminal. Throws only the signal's reason. */
export async function runProgram(
  command: string,
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  { timeoutMs, memoryBytes = 0 }: ProgramLimits,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const isWindows = process.platform === 'win32';
  const seconds = String(Math.ceil(timeoutMs / 1000) * 4);
  const limits = ['-c', limitedScript, 'sh', seconds, String(Math.ceil(memoryBytes / 1024))];
  const child = isWindows
    ? spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
    : spawn('/bin/sh', [...limits, command, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let stderr = '';
    let reason: ProgramEnd['reason'] = 'exited';
    const end = (why: ProgramEnd['reason']): void => {
      reason = why;
      child.kill('SIGKILL');
    };
    const abort = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(() => end('timeout'), timeoutMs);
    const done = (exitCode: number | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve({ exitCode, stdout: Buffer.concat(chunks).toString(), stderr, reason });
    };
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxStdoutBytes) end('output');
      else chunks.push(chunk);
    });
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => void (stderr = (stderr + text).slice(-maxStderrChars)));
    child.once('error', () => {
      reason = 'not_started';
      done(null);
    });
    child.once('close', (code) => done(code));
  });
}
