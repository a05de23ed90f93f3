import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Surroundings } from '../surroundings.ts';
import { runProgram } from './run-program.ts';

export interface Interpreter {
  readonly command: string;
  /** `3.11` */
  readonly version: string;
}

const oldestMinor = 9;
const askMs = 5000;

/**
 * A Python of the search path that starts and is new enough to look at files; undefined where there is none. The launcher
 * of a version manager may stand first and lead nowhere, so all are tried.
 */
export async function findPython({ env, interruption, platform }: Surroundings): Promise<Interpreter | undefined> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const names = platform === 'win32' ? ['python3.exe', 'python.exe'] : ['python3', 'python'];
  const commands = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const command of new Set(commands)) {
    if (!existsSync(command)) continue;
    const version = await versionOf(command, env, interruption);
    if (version !== undefined) return { command, version };
  }
  return undefined;
}

/** The version of an interpreter that starts and is new enough. */
export async function versionOf(
  command: string,
  env: Surroundings['env'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const words = ['-I', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'];
  const { exitCode, stdout } = await runProgram(command, words, env, { timeoutMs: askMs }, signal);
  const [, minor] = /^3\.(\d+)\s*$/.exec(stdout) ?? [];
  return exitCode === 0 && minor !== undefined && Number(minor) >= oldestMinor ? `3.${minor}` : undefined;
}
