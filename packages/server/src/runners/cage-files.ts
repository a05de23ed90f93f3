import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError, type UnpackedSample, unpackSample } from '@muster-ml/protocol';
import type { ReplicaWish } from './runtime-host.ts';

/** Name of a runner's folders: short, because a Unix socket's path ends at 107 bytes, and free of whatever the id contains. */
export function shortIdOf(runnerId: string): string {
  return createHash('sha256').update(runnerId).digest('hex').slice(0, 12);
}

/** Where a runner listens, before it exists and over all its restarts. */
export function runnerAddress(runtimeDir: string, runnerId: string): string {
  return `unix:${join(runtimeDir, `r-${shortIdOf(runnerId)}`, 's')}`;
}

/** Name of a model within its cage. A digest that is none would be a path. */
function nameOf(digest: string): string {
  if (!/^(sha256:)?[0-9a-f]{64}$/.test(digest)) throw new MusterError('internal_error', `"${digest}" is no SHA-256`);
  return digest.replace('sha256:', '');
}

/**
 * Makes a model visible in a cage, read-only, and answers its name among the models there. A hard link costs nothing and shares the pages in
 * memory; another file system needs a copy. The link survives the sweep of the original while the replica runs.
 */
export async function placeModel(
  cageFolder: string,
  wish: Pick<ReplicaWish, 'file' | 'digest'>,
  forOtherUser: boolean,
): Promise<string> {
  const name = nameOf(wish.digest);
  const path = join(cageFolder, 'models', name);
  if (!(await exists(path))) {
    try {
      await link(wish.file, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await copyWhole(wish.file, path);
    }
  }
  // The folders above keep others out; the mode only has to let the runner's own user in.
  if (forOtherUser) await chmod(path, 0o444);
  return name;
}

/** Takes a model out of a cage. */
export async function removeModel(cageFolder: string, digest: string): Promise<void> {
  await rm(join(cageFolder, 'models', nameOf(digest)), { force: true });
}

const maxSampleBytes = 256 * 1024 * 1024;

/** Reads the rows that a replica warms up with, and the answers that are expected for them. */
export async function readSample(file: string): Promise<UnpackedSample> {
  const { size } = await stat(file);
  if (size > maxSampleBytes)
    throw new MusterError('invalid_sample', `the sample has ${size} bytes; at most ${maxSampleBytes} are used`);
  return unpackSample(await readFile(file));
}

async function copyWhole(from: string, to: string): Promise<void> {
  // Two replicas of one model may load at the same time.
  const part = `${to}.${randomUUID()}.part`;
  await copyFile(from, part, constants.COPYFILE_FICLONE);
  await rename(part, to);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
