import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isAlive, root } from './muster.ts';

const run = promisify(execFile);

/** The version of the machine's Python, if it has one. */
export function pythonVersion(): string | undefined {
  const { status, stdout } = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * The Python of an environment that holds exactly what a requirements file names. It is made once and kept under `.cache/`
 * for as long as neither the file nor the machine's Python changes. Throws with what pip said.
 */
export async function pythonWith(requirements: string): Promise<string> {
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .update(pythonVersion() ?? '')
    .digest('hex');
  const folder = join(root, '.cache/python', key.slice(0, 16));
  const python = join(folder, 'bin/python');
  await mkdir(join(root, '.cache/python'), { recursive: true });
  await alone(`${folder}.lock`, async () => {
    if (await exists(join(folder, '.complete'))) return;
    await rm(folder, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', folder]);
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
    await run(python, ['-m', 'pip', 'install', ...quiet, '--requirement', requirements], { timeout: 900_000 });
    await writeFile(join(folder, '.complete'), '');
  });
  return python;
}

/** Two tests that run at the same time may want the same one: the second waits for what the first makes. */
async function alone(lock: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    const isMine = await writeFile(lock, String(process.pid), { flag: 'wx' }).then(
      () => true,
      () => false,
    );
    if (isMine) break;
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    // Whoever made it was killed meanwhile.
    if (holder > 0 && !(await isAlive(holder))) await rm(lock, { force: true });
    await setTimeout(200);
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
