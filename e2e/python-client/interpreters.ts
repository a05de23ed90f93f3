import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../support/muster.ts';

const run = promisify(execFile);
const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
const supported = ['3.9', '3.10', '3.11', '3.12', '3.13'];

/** An interpreter that works, and its minor version. */
export interface Interpreter {
  readonly path: string;
  readonly version: string;
}

/** At most three of the interpreters of this machine: the oldest, one in the middle, and the newest. */
export async function interpretersHere(): Promise<readonly Interpreter[]> {
  const pyenv = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions');
  const installed = await readdir(pyenv).catch(() => []);
  const paths = [
    ...supported.map((version) => `python${version}`),
    ...installed.map((name) => join(pyenv, name, 'bin/python')),
  ];
  const found = new Map<string, Interpreter>();
  for (const path of paths) {
    const version = minorOf(path);
    if (version !== undefined && supported.includes(version) && !found.has(version))
      found.set(version, { path, version });
  }
  const ordered = supported.flatMap((version) => found.get(version) ?? []);
  if (ordered.length <= 3) return ordered;
  return [0, ordered.length >> 1, ordered.length - 1].flatMap((index) => ordered[index] ?? []);
}

/** The minor version of an interpreter; undefined where it does not run (a shim) or cannot make environments. */
function minorOf(path: string): string | undefined {
  const program = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])';
  const { status, stdout } = spawnSync(path, ['-c', program], { encoding: 'utf8', timeout: 20_000 });
  return status === 0 ? stdout.trim() : undefined;
}

/** An environment with what a requirements file names, kept under `.cache/`; answers its Python. */
export async function environmentOf(interpreter: Interpreter, requirements: string): Promise<string> {
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .update(interpreter.path)
    .digest('hex');
  const folder = join(root, '.cache/python', `${interpreter.version}-${key.slice(0, 16)}`);
  const python = join(folder, 'bin/python');
  const isComplete = join(folder, '.complete');
  if (existsSync(isComplete)) return python;
  await emptyEnvironment(interpreter, folder);
  await run(python, ['-m', 'pip', 'install', ...quiet, '--requirement', requirements], { timeout: 900_000 });
  await writeFile(isComplete, '');
  return python;
}

/** A new environment with nothing in it; answers its Python. */
export async function emptyEnvironment(interpreter: Interpreter, folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, '..'), { recursive: true });
  await run(interpreter.path, ['-m', 'venv', folder], { timeout: 120_000 });
  return join(folder, 'bin/python');
}

/** Installs a wheel over what is there, whatever version that has. */
export async function installWheel(python: string, wheel: string, ...more: readonly string[]): Promise<void> {
  await run(python, ['-m', 'pip', 'uninstall', '--yes', ...quiet, 'muster-ml'], { timeout: 120_000 });
  await run(python, ['-m', 'pip', 'install', ...quiet, wheel, ...more], { timeout: 600_000 });
}

/** Builds the wheel of the Python client into a folder and answers its path. */
export async function buildWheel(interpreter: Interpreter, folder: string): Promise<string> {
  const python = await environmentOf(interpreter, join(root, 'e2e/python-client/build-requirements.txt'));
  const program = join(python, '../hatchling');
  await run(program, ['build', '--target', 'wheel', '--directory', folder], {
    cwd: join(root, 'packages/client-python'),
    timeout: 120_000,
  });
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error(`no wheel in ${folder}`);
  return join(folder, wheel);
}
