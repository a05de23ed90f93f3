import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { softwareVersion } from '../software-version.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Interpreter, versionOf } from './find-python.ts';
import { runProgram } from './run-program.ts';

/** The scanner of pickles that looks at files on this machine; its list of dangers is kept by its authors. */
const scanner = 'picklescan==1.0.5';
/** What the scanner itself needs. */
const oldestMinor = 11;
const makeMs = 120_000;

export type ScannerEnvironment =
  | { readonly python: string; readonly why?: undefined }
  | { readonly python?: undefined; readonly why: string };

/** A Python that has the scanner, from the cache; undefined where it was not made yet. */
export async function cachedScanner(surroundings: Surroundings): Promise<string | undefined> {
  const python = pythonIn(cacheFolder(surroundings), surroundings.platform);
  if (!existsSync(python)) return undefined;
  // The Python that it was made with may be gone since.
  return (await versionOf(python, surroundings.env, surroundings.interruption)) === undefined ? undefined : python;
}

/** As `cachedScanner`, but makes it where it is missing, with the network and settings of `pip`; or says why it cannot. */
export async function scannerEnvironment(
  invocation: Invocation,
  { command, version }: Interpreter,
): Promise<ScannerEnvironment> {
  const { surroundings, terminal } = invocation;
  const cached = await cachedScanner(surroundings);
  if (cached !== undefined) return { python: cached };
  if (Number(version.slice(2)) < oldestMinor)
    return { why: `it needs Python 3.${oldestMinor} or newer, and ${command} is ${version}` };
  const folder = cacheFolder(surroundings);
  const made = `${folder}.${process.pid}`;
  const step = beginStep(terminal, `fetching ${scanner} (once)`);
  try {
    await mkdir(join(folder, '..'), { recursive: true, mode: 0o700 });
    await rm(made, { recursive: true, force: true });
    const why = await make(surroundings, command, made);
    if (why !== undefined) return { why };
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
    return { python: pythonIn(folder, surroundings.platform) };
  } catch (error) {
    surroundings.interruption.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { why: `${folder} cannot be written (${code})` };
  } finally {
    step.drop();
    await rm(made, { recursive: true, force: true }).catch(() => {});
  }
}

/** Undefined where all went well, else the reason. */
async function make(surroundings: Surroundings, command: string, folder: string): Promise<string | undefined> {
  const { env, interruption, platform } = surroundings;
  const limits = { timeoutMs: makeMs };
  const venv = await runProgram(command, ['-m', 'venv', folder], env, limits, interruption);
  if (venv.exitCode !== 0)
    return /ensurepip/.test(venv.stdout + venv.stderr)
      ? `${command} has no venv; on Debian and Ubuntu: apt install python3-venv`
      : `${command} -m venv failed: ${lastLine(venv.stderr || venv.stdout)}`;
  const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const pip = await runProgram(
    pythonIn(folder, platform),
    [...words, '--only-binary', ':all:', scanner],
    env,
    limits,
    interruption,
  );
  if (pip.exitCode === 0) return undefined;
  return pip.reason === 'timeout' ? 'pip took too long' : `pip failed: ${lastLine(pip.stderr)}`;
}

function cacheFolder({ env, homeDirectory }: Surroundings): string {
  return join(env['XDG_CACHE_HOME'] || join(homeDirectory, '.cache'), 'muster', `inspect-${softwareVersion()}`);
}

function pythonIn(folder: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? 'it said nothing';
}
