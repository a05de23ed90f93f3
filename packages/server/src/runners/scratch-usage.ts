import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readProcessTable } from '../platform/processes/index.ts';

/** More files than this are too many, whatever they hold. */
const mostFiles = 100_000;
const blockBytes = 512;

/**
 * Bytes on disk that a scratch folder holds; of a process also those of files that were deleted and that it, or what it
 * started, has open. Never throws: what vanishes meanwhile counts nothing. Infinity where there are more than 100,000 files.
 */
export async function scratchUsage(folder: string, pid: number | null): Promise<number> {
  const { bytes, device } = await usageBelow(folder);
  return pid === null ? bytes : bytes + (await deletedBytes(pid, device));
}

async function usageBelow(top: string): Promise<{ readonly bytes: number; readonly device: number | undefined }> {
  const folders = [top];
  const device = (await stat(top).catch(() => undefined))?.dev;
  let [bytes, files] = [0, 0];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    files += entries.length;
    if (files > mostFiles) return { bytes: Infinity, device };
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else bytes += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * blockBytes;
    }
  }
  return { bytes, device };
}

/** Deleting a file does not free it while somebody has it open. */
async function deletedBytes(pid: number, device: number | undefined): Promise<number> {
  const counted = new Map<number, number>();
  for (const each of readProcessTable().treeOf(pid)) {
    const folder = `/proc/${each}/fd`;
    for (const name of await readdir(folder).catch(() => [])) {
      const file = await stat(join(folder, name)).catch(() => undefined);
      if (file !== undefined && file.isFile() && file.nlink === 0 && file.dev === device)
        counted.set(file.ino, file.blocks * blockBytes);
    }
  }
  return [...counted.values()].reduce((sum, bytes) => sum + bytes, 0);
}
