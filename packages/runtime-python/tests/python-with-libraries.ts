import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
const cache = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url));
const run = promisify(execFile);

/** The command of a Python that starts and has wheels of all libraries: the launcher of a version manager may lead nowhere. */
export const systemPython = ['python3', 'python3.12', 'python3.11', 'python3.13', '/usr/bin/python3'].find(
  (command) => versionOf(command) !== undefined,
);

function versionOf(command: string): string | undefined {
  try {
    const version = execFileSync(command, ['-c', 'import ensurepip, platform; print(platform.python_version())'], {
      stdio: 'pipe',
    }).toString();
    return /^3\.1[1-3]\./.test(version) ? version.trim() : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The Python of an environment with the libraries of `requirements.txt`, made once for as long as neither that nor the
 * machine's Python changes. Throws with what pip said.
 */
export async function pythonWithLibraries(command: string): Promise<string> {
  const key = createHash('sha256')
    .update(readFileSync(requirements))
    .update(versionOf(command) ?? '')
    .digest('hex')
    .slice(0, 16);
  const folder = `${cache}/muster-python-${key}`;
  if (existsSync(folder)) return `${folder}/bin/python`;
  // Under a name of its own until it is whole. Its interpreter is a link, so it may move.
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  try {
    await run(command, ['-m', 'venv', unfinished]);
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary=:all:'];
    await run(`${unfinished}/bin/python`, ['-m', 'pip', 'install', ...quiet, '-r', requirements], { timeout: 600_000 });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return `${folder}/bin/python`;
}
