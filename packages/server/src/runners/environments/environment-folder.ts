import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EnvironmentSpec, environmentSpecSchema } from '@muster-ml/protocol';
import { z } from 'zod';
import type { Interpreter } from './interpreters.ts';

/** Written last: a folder without it is not an environment. */
const markerName = 'muster-environment.json';

const markerSchema = z.object({
  spec: environmentSpecSchema,
  interpreter: z.object({ executable: z.string(), version: z.string(), platform: z.string() }),
  /** SHA-256 over the list of its files with their sizes: what a crash of the machine left empty is noticed. */
  files: z.string(),
  sizeBytes: z.number(),
});

export type Marker = z.infer<typeof markerSchema>;

/** Names one environment on this machine: the same spec with another interpreter is another one. 32 hexadecimal digits. */
export function digestOf(spec: EnvironmentSpec, interpreter: Interpreter): string {
  const { executable, version, platform } = interpreter;
  const canonical = JSON.stringify({
    python: spec.python,
    requirements: spec.requirements.toSorted(),
    executable,
    version,
    platform,
  });
  return createHash('sha256').update(canonical).digest('hex').slice(0, 32);
}

const whole = /^[0-9a-f]{32}$/;
const beingRemoved = /^\.removing-/;

/** Digests of the environments in a folder. */
export async function listEnvironments(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => whole.test(name));
}

/**
 * Where environments are made, with uv's cache beside them: a cage shows it as one mount, within which the files of an
 * environment are hard links to the cache.
 */
export function workFolderOf(folder: string): string {
  return join(folder, 'work');
}

/** uv's cache. */
export function cacheFolderOf(folder: string): string {
  return join(workFolderOf(folder), 'cache');
}

/** Removes what was being made or removed when the server ended. */
export async function removeUnfinished(folder: string): Promise<void> {
  const aside = (await readdir(folder).catch(() => [])).filter((name) => beingRemoved.test(name));
  for (const name of aside) await rm(join(folder, name), { recursive: true, force: true });
  const work = workFolderOf(folder);
  const left = (await readdir(work).catch(() => [])).filter((name) => name !== 'cache');
  for (const name of left) await rm(join(work, name), { recursive: true, force: true });
}

let made = 0;

/** Makes a new folder for something that is being made. */
export async function makeUnfinished(folder: string): Promise<string> {
  const making = join(workFolderOf(folder), `${process.pid}-${++made}`);
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true, mode: 0o755 });
  // Whatever mask the server has: runners of other users read it.
  await chmod(making, 0o755);
  return making;
}

/** Completes an environment with its marker and puts it where it is looked for. */
export async function finish(making: string, at: string, about: Pick<Marker, 'spec' | 'interpreter'>): Promise<Marker> {
  const { spec, interpreter } = about;
  const { executable, version, platform } = interpreter;
  // Of uv, for two that install at once; everybody may write it.
  await rm(join(making, '.lock'), { force: true });
  const listed = await listFiles(making);
  const marker = {
    spec,
    interpreter: { executable, version, platform },
    files: listed.digest,
    sizeBytes: listed.bytes,
  };
  await writeFile(join(making, markerName), JSON.stringify(marker), { flush: true });
  await chmod(join(making, markerName), 0o644);
  await rm(at, { recursive: true, force: true });
  await rename(making, at);
  return marker;
}

/** The marker of an environment that is whole; null where it is not there, or not as it was made. */
export async function readWhole(at: string): Promise<Marker | null> {
  const marker = await readMarker(at);
  if (marker === null) return null;
  const hasPython = await stat(join(at, 'bin/python')).then(
    () => true,
    () => false,
  );
  return hasPython && (await listFiles(at)).digest === marker.files ? marker : null;
}

/** What an environment is made of; null where there is none. */
export async function readMarker(at: string): Promise<Marker | null> {
  try {
    return markerSchema.parse(JSON.parse(await readFile(join(at, markerName), 'utf8')));
  } catch {
    return null;
  }
}

/** Notes that an environment was used, for the clean-up. */
export async function touch(at: string, nowMs: number): Promise<void> {
  await utimes(join(at, markerName), nowMs / 1000, nowMs / 1000).catch(() => {});
}

/** When an environment was used last; 0 where it has no marker. */
export async function lastUsedMs(at: string): Promise<number> {
  return await stat(join(at, markerName)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** Takes an environment away at once and removes it then. */
export async function removeEnvironment(folder: string, digest: string): Promise<void> {
  const aside = join(folder, `.removing-${digest}`);
  await rm(aside, { recursive: true, force: true });
  await rename(join(folder, digest), aside);
  await rm(aside, { recursive: true, force: true });
}

/** Bytes of the files below a folder; a file that vanishes meanwhile counts nothing. */
export async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const file of filesIn(folder, '')) bytes += file.bytes;
  return bytes;
}

async function listFiles(folder: string): Promise<{ readonly digest: string; readonly bytes: number }> {
  const lines: string[] = [];
  let bytes = 0;
  for await (const file of filesIn(folder, '')) {
    if (file.path === markerName) continue;
    lines.push(`${file.path}\0${file.bytes}`);
    bytes += file.bytes;
  }
  return { digest: createHash('sha256').update(lines.toSorted().join('\n')).digest('hex'), bytes };
}

interface FoundFile {
  /** From the folder on. */
  readonly path: string;
  readonly bytes: number;
}

async function* filesIn(folder: string, below: string): AsyncGenerator<FoundFile> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => !entry.isDirectory());
  const found = await Promise.all(
    files.map(async ({ name }): Promise<FoundFile | null> => {
      const path = below === '' ? name : `${below}/${name}`;
      return await lstat(join(folder, path)).then(
        ({ size }) => ({ path, bytes: size }),
        () => null,
      );
    }),
  );
  for (const file of found) if (file !== null) yield file;
  for (const entry of entries)
    if (entry.isDirectory()) yield* filesIn(folder, below === '' ? entry.name : `${below}/${entry.name}`);
}
