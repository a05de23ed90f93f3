import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOf } from './environment-folder.ts';

/** Where uv puts what it unpacks, within its cache: each entry is new, and complete when its name has no dot in front. */
const unpackedIn = ['', 'archive-v0', 'builds-v0'];

/**
 * Measures how much was unpacked into uv's cache since now. Only what is new is looked at, and what is complete only once:
 * a cache can have a million files.
 */
export async function createCacheGrowth(cacheFolder: string): Promise<{ readonly measure: () => Promise<number> }> {
  const before = new Set(await listEntries(cacheFolder));
  const complete = new Map<string, number>();
  return {
    measure: async () => {
      let bytes = 0;
      for (const entry of await listEntries(cacheFolder)) {
        if (before.has(entry)) continue;
        const known = complete.get(entry);
        const size = known ?? (await sizeOf(join(cacheFolder, entry)));
        if (entry.startsWith('archive-v0/') && !isTemporary(entry)) complete.set(entry, size);
        bytes += size;
      }
      return bytes;
    },
  };
}

/** Removes what interrupted builds left in the cache; while no build is under way. */
export async function removeLeftovers(cacheFolder: string): Promise<void> {
  for (const entry of await listEntries(cacheFolder))
    if (isTemporary(entry)) await rm(join(cacheFolder, entry), { recursive: true, force: true });
}

function isTemporary(entry: string): boolean {
  return (entry.split('/').at(-1) ?? '').startsWith('.tmp');
}

async function listEntries(cacheFolder: string): Promise<readonly string[]> {
  const lists = await Promise.all(
    unpackedIn.map(async (folder) => {
      const names = await readdir(join(cacheFolder, folder)).catch(() => []);
      // At the top are the folders of uv as well.
      const own = folder === '' ? names.filter((name) => name.startsWith('.tmp')) : names;
      return own.map((name) => (folder === '' ? name : `${folder}/${name}`));
    }),
  );
  return lists.flat();
}
