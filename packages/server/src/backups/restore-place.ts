import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { lockFolder } from '../platform/processes/index.ts';

/** The data directory that a restore fills; nobody starts Muster on it meanwhile. */
export interface RestorePlace {
  /** Lets go of it, filled. */
  keep(): Promise<void>;
  /** Lets go of it, as empty as it was. */
  clear(): Promise<void>;
}

/** What the root of a volume of its own holds. */
const ofFileSystem = new Set(['lost+found']);
const lockName = 'supervisor';

/** Takes an empty folder, or makes it. Throws `restore_not_empty`, `data_dir_in_use`. */
export async function takePlace(dataDir: string): Promise<RestorePlace> {
  const made = await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const [found] = (await readdir(dataDir)).filter((name) => !ofFileSystem.has(name));
  if (found !== undefined)
    throw new MusterError('restore_not_empty', `${dataDir} holds ${found}`, { place: '--data-dir' });
  const lock = lockFolder(dataDir, lockName);
  if (!('release' in lock))
    throw new MusterError('data_dir_in_use', `another process works on ${dataDir}`, { place: '--data-dir' });
  return {
    async keep() {
      lock.release();
      for (const end of ['lock', 'pid']) await rm(join(dataDir, `${lockName}.${end}`), { force: true });
    },
    async clear() {
      lock.release();
      for (const name of (await readdir(dataDir)).filter((each) => !ofFileSystem.has(each)))
        await rm(join(dataDir, name), { recursive: true, force: true });
      if (made !== undefined) await rmdir(dataDir).catch(() => {});
    },
  };
}
