import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type RunningMuster, launcher } from './muster.ts';

const run = promisify(execFile);

/** Runs `muster` as a person would, against a running installation; answers what it printed. Throws with what it said. */
export async function cli(
  muster: RunningMuster,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { ...muster.place.environment, ...environment, MUSTER_SERVER: muster.url, NO_COLOR: '1' };
  const { stdout } = await run(process.execPath, [launcher, ...words], {
    env,
    timeout: 590_000,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: unknown) => {
    const { stderr = '' } = error as { readonly stderr?: string };
    throw new Error(`muster ${words.join(' ')}\n${stderr}`, { cause: error });
  });
  return stdout;
}

/** POSTs JSON to an address of the installation. Throws with what it answered where that is no success. */
export async function post(muster: RunningMuster, path: string, body: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${muster.token}`, 'content-type': 'application/json' };
  const response = await fetch(`${muster.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
