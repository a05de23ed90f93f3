import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../src/run.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** What a command line left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A newcomer's machine: an own home in a temporary folder, nothing of the tester's environment. */
export interface Home extends Disposable {
  readonly folder: string;
  /** Runs a command line in the test's own process, which is quick. */
  run(words: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Starts the program as a user would. */
  start(
    words: readonly string[],
    options?: RunOptions,
  ): { readonly child: ChildProcess; readonly ended: Promise<Ended> };
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

export function createHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'muster-cli-'));
  function start(
    words: readonly string[],
    options: RunOptions = {},
  ): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const child = spawn(process.execPath, ['--conditions=muster-source', main, ...words], {
      cwd: folder,
      // The cache of compiled sources is shared with the other runs of this machine: it changes nothing but time.
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        LANG: 'C.UTF-8',
        XDG_CACHE_HOME: join(tmpdir(), `muster-cli-test-cache-${process.getuid?.() ?? 0}`),
        ...options.env,
      },
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.stdin.end(options.stdin ?? '');
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
    return { child, ended };
  }
  async function runHere(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
    let stdout = '';
    let stderr = '';
    const code = await run(words, {
      env: { HOME: folder, LANG: 'C.UTF-8', ...options.env },
      stdin: Readable.from([options.stdin ?? '']),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      workingDirectory: folder,
      homeDirectory: folder,
      platform: 'linux',
      now: Date.now,
      interruption: new AbortController().signal,
      releaseInterruption: () => {},
    });
    return { code, stdout, stderr };
  }
  return {
    folder,
    start,
    run: runHere,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
