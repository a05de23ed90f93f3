import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Dirty pages are written out this often, so that no other fsync on the machine waits for gigabytes. */
const syncEveryBytes = 16 * 1024 * 1024;
const maxWriteBytes = 256 * 1024;

/** Writes chunks one after the other from a position on. What it wrote is on disk after `sync`. */
export function createDurableWriter(file: FileHandle, startAt: number) {
  let position = startAt;
  let unsynced = 0;
  return {
    async write(chunk: Uint8Array): Promise<void> {
      for (let at = 0; at < chunk.byteLength;) {
        const { bytesWritten } = await file.write(chunk, at, Math.min(chunk.byteLength - at, maxWriteBytes), position);
        at += bytesWritten;
        position += bytesWritten;
        unsynced += bytesWritten;
        if (unsynced < syncEveryBytes) continue;
        await file.datasync();
        unsynced = 0;
      }
    },
    async sync(): Promise<void> {
      await file.sync();
    },
  };
}

/** Makes the names in a folder durable: a rename or a new file is on disk once its folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes folders that survive a crash: a folder's own name is only durable once its parent is. Each is made once, and
 * whoever asks meanwhile waits for the same work: "it is there already" does not mean that it is on disk.
 */
export function createDurableFolders(root: string): (folder: string) => Promise<void> {
  const made = new Map<string, Promise<void>>();
  const make = async (folder: string): Promise<void> => {
    if (folder === root) {
      await mkdir(folder, { recursive: true });
      return;
    }
    await ensure(dirname(folder));
    await mkdir(folder, { recursive: true });
    await syncFolder(dirname(folder));
  };
  const ensure = async (folder: string): Promise<void> => {
    const known = made.get(folder) ?? make(folder);
    made.set(folder, known);
    try {
      await known;
    } catch (error) {
      made.delete(folder);
      throw error;
    }
  };
  return ensure;
}
