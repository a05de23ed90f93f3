import { statfs } from 'node:fs/promises';
import { MusterError } from '@muster-ml/protocol';
import { type ProgramEnd, runProgram } from '../../platform/processes/index.ts';
import type { CommandLine } from '../confine.ts';

/** What a build may touch. */
export interface BuildReach {
  /** The one folder where it may write; its working directory lies in it. */
  readonly folder: string;
  readonly readable: readonly string[];
  /** Hosts with ports that it may reach; none: no network. */
  readonly hosts: readonly string[];
}

/** A command line in its cage. */
export interface ConfinedBuild {
  readonly line: CommandLine;
  /** Hosts that it asked for and was not let to. */
  readonly refused: () => readonly string[];
  /** Takes away what was made for it. */
  readonly close: () => Promise<void>;
}

/** Puts a command line into a cage that shows and reaches no more than that. */
export type ConfineBuild = (line: CommandLine, reach: BuildReach, workingDirectory: string) => Promise<ConfinedBuild>;

/** No cage: for machines that offer none. */
export const plainBuild: ConfineBuild = (line) =>
  Promise.resolve({ line, refused: () => [], close: () => Promise.resolve() });

export interface UvRun {
  readonly line: CommandLine;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly confine: ConfineBuild;
  readonly reach: BuildReach;
  readonly input?: string;
  readonly timeoutMs: number;
  /** Called now and then; throws `environment_too_large` when the build has written more than it may. */
  readonly checkSize: () => Promise<void>;
  readonly onErrorLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Looked at this often, or ten times as long as the look takes. */
const measureEveryMs = 1_000;
const measureShare = 10;
const maxOutputBytes = 4 * 1024 * 1024;
const maxSaidChars = 64 * 1024;
/** What must stay free for everything else on the volume. */
const reserveBytes = 64 * 1024 * 1024;

/** How uv ended: what it printed, or all that it said instead. */
export type UvEnd =
  | { readonly isDone: true; readonly output: string }
  | { readonly isDone: false; readonly said: string; readonly refused: readonly string[] };

/**
 * Runs uv to its end, within limits. Throws the signal's reason, `environment_too_large`, `disk_full`, and
 * `environment_failed` where it took too long.
 */
export async function runUv(run: UvRun): Promise<UvEnd> {
  let said = '';
  const tooMuch = new AbortController();
  const confined = await run.confine(run.line, run.reach, run.workingDirectory);
  const watching = watchSize(run, tooMuch);
  try {
    const end = await runProgram({
      command: '/bin/sh',
      // The server's own files are nobody else's; an environment is read by runners of other users. Predictions go first.
      arguments: [
        '-c',
        'umask 022; ulimit -c 0; exec nice -n 5 "$@"',
        'sh',
        confined.line.command,
        ...confined.line.arguments,
      ],
      environment: run.environment,
      workingDirectory: run.workingDirectory,
      ...(run.input === undefined ? {} : { input: new TextEncoder().encode(run.input) }),
      timeoutMs: Math.max(1, run.timeoutMs),
      maxOutputBytes,
      signal: AbortSignal.any([run.signal, tooMuch.signal]),
      onErrorLine: (line) => {
        if (said.length < maxSaidChars) said += `${line}\n`;
        run.onErrorLine(line);
      },
    });
    run.signal.throwIfAborted();
    tooMuch.signal.throwIfAborted();
    return judge(end, said, confined.refused(), run.timeoutMs);
  } finally {
    watching.stop();
    await confined.close();
  }
}

function judge(end: ProgramEnd, said: string, refused: readonly string[], timeoutMs: number): UvEnd {
  switch (end.outcome) {
    case 'done':
      return { isDone: true, output: new TextDecoder().decode(end.output) };
    case 'failed':
      return { isDone: false, said: said === '' ? end.detail : said, refused };
    case 'timeout':
      throw new MusterError('environment_failed', `it was not made within ${timeoutMs} ms`, {
        place: 'python.environmentMs',
        remedy: 'Try again, what was downloaded is kept; or raise python.environmentMs.',
      });
    case 'memory':
    case 'output':
    case 'cancelled':
      throw new MusterError('environment_failed', `uv was ended: ${end.detail}`);
  }
}

function watchSize(run: UvRun, tooMuch: AbortController): { readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const again = (delayMs: number): void => {
    timer = setTimeout(() => void look(), delayMs);
  };
  const look = async (): Promise<void> => {
    const begin = performance.now();
    try {
      await run.checkSize();
      const { bavail, bsize } = await statfs(run.workingDirectory);
      if (bavail * bsize < reserveBytes)
        return tooMuch.abort(new MusterError('disk_full', 'there is no space left for the environment'));
    } catch (error) {
      // What cannot be measured now is measured the next time, and whole at the end.
      if (error instanceof MusterError) return tooMuch.abort(error);
    }
    if (timer !== undefined) again(Math.max(measureEveryMs, (performance.now() - begin) * measureShare));
  };
  again(measureEveryMs);
  return {
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

/** The error of an environment that grew too large. */
export function tooLarge(bytes: number, maxBytes: number): MusterError {
  return new MusterError(
    'environment_too_large',
    `the environment has ${mebibytes(bytes)} MiB or more; at most ${mebibytes(maxBytes)} MiB are allowed`,
    { place: 'python.maxEnvironmentBytes', details: { bytes, maxBytes } },
  );
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2);
}
