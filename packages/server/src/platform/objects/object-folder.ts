import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StoredObject } from '@muster-ml/protocol';
import { createDurableFolders, syncFolder } from './durable-files.ts';
import { assertDigest, isDigest } from './object-row.ts';
import { isNotFound } from './storage-error.ts';

/** Where content lies: `objects/sha256/ab/cd/<digest>`, and `incoming/` beside it for what is being written. */
export interface ObjectFolder {
  readonly root: string;
  /** Path of content; throws `object_not_found` for what is no digest, so no text can lead out of the folder. */
  pathOf(digest: string): string;
  /** Path in `incoming`; the name is made by us, never by a caller. */
  incomingPath(name: string): string;
  /** Size of a content's file, or undefined. */
  sizeOf(digest: string): Promise<number | undefined>;
  /** Moves a finished, synced file into place and makes that durable. Repeating it after a crash is fine. */
  adopt(incomingPath: string, object: StoredObject, crashPoint: (name: string) => void): Promise<void>;
  remove(digest: string): Promise<void>;
  /** Every content file that is there, with the time it was written. */
  files(): AsyncIterable<{ readonly digest: string; readonly writtenAt: number }>;
  /** Every file in `incoming`, with the time it was last written. */
  incomingFiles(): Promise<readonly { readonly name: string; readonly writtenAt: number }[]>;
}

/** Makes the folder where it is not there. */
export async function openObjectFolder(root: string): Promise<ObjectFolder> {
  const objects = join(root, 'objects', 'sha256');
  const incoming = join(root, 'incoming');
  await mkdir(root, { recursive: true });
  const ensureFolder = createDurableFolders(root);
  await ensureFolder(objects);
  await ensureFolder(incoming);

  const pathOf = (digest: string): string => {
    assertDigest(digest);
    return join(objects, digest.slice(0, 2), digest.slice(2, 4), digest);
  };

  const sizeOf = async (digest: string): Promise<number | undefined> => {
    try {
      return (await stat(pathOf(digest))).size;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };

  return {
    root,
    sizeOf,
    pathOf,
    incomingPath: (name) => join(incoming, name),
    async adopt(incomingPath, object, crashPoint) {
      const path = pathOf(object.digest);
      await ensureFolder(dirname(path));
      try {
        await chmod(incomingPath, 0o444);
        crashPoint('objects.before-rename');
        await rename(incomingPath, path);
        crashPoint('objects.after-rename');
      } catch (error) {
        // A crash came after the rename: only this store puts files there, and only verified ones.
        if (!isNotFound(error) || (await sizeOf(object.digest)) !== object.sizeBytes) throw error;
      }
      await syncFolder(dirname(path));
    },
    async remove(digest) {
      await rm(pathOf(digest), { force: true });
    },
    async *files() {
      for (const first of await readdir(objects)) {
        // What else somebody has put there is not ours.
        if (!isFolderName(first)) continue;
        for (const second of (await readdir(join(objects, first))).filter(isFolderName)) {
          for (const name of (await readdir(join(objects, first, second))).filter(isDigest)) {
            const writtenAt = await writtenAtOf(join(objects, first, second, name));
            if (writtenAt !== undefined) yield { digest: name, writtenAt };
          }
        }
      }
    },
    async incomingFiles() {
      const names = await readdir(incoming);
      const files = names.map(async (name) => ({ name, writtenAt: await writtenAtOf(join(incoming, name)) }));
      return (await Promise.all(files)).flatMap(({ name, writtenAt }) =>
        writtenAt === undefined ? [] : [{ name, writtenAt }],
      );
    },
  };
}

function isFolderName(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name);
}

/** When a file was last written, or undefined where it has just gone. */
async function writtenAtOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
