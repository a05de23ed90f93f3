import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';

/** Others may pass through and not look: as private as 0700, where the files within are 0600. */
const passable = 0o711;

/**
 * Makes a folder that is ours alone, or takes the one that is there after checking that it is: in a place such as /tmp
 * somebody else may have made it first. `mode` is 0700, or 0711 where others must pass through it to what is theirs.
 * Throws `storage_unavailable` and `disk_full`.
 */
export function makePrivateFolder(folder: string, mode = 0o700): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const user = process.getuid?.();
    if (!found.isDirectory())
      throw new MusterError('storage_unavailable', `${folder} is not a folder`, {
        place: folder,
        remedy: 'Move it away, or choose another path.',
      });
    if (user !== undefined && found.uid !== user) {
      throw new MusterError('storage_unavailable', `${folder} belongs to another user (${found.uid})`, {
        place: folder,
        remedy: 'Choose another path, or run as its owner.',
      });
    }
    const open = found.mode & 0o777;
    if (open !== mode && open !== passable) chmodSync(folder, mode);
  } catch (error) {
    throw folderError(folder, error);
  }
}

/**
 * Makes the folder of the sockets anew, without what a crash left in it. `server/` is for control's socket and ours alone;
 * the runners' sockets lie beside it, in folders of their own, which other users' runners of a root server must reach.
 */
export function makeRuntimeFolder(runtimeDir: string): void {
  makePrivateFolder(runtimeDir);
  rmSync(runtimeDir, { recursive: true, force: true });
  makePrivateFolder(runtimeDir, process.getuid?.() === 0 ? 0o711 : 0o700);
  makePrivateFolder(join(runtimeDir, 'server'));
}

/** What a failing file system call means to the user. */
function folderError(folder: string, error: unknown): Error {
  if (error instanceof MusterError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new MusterError('disk_full', `there is no space left for ${folder}`, { place: folder, cause: error });
  return new MusterError('storage_unavailable', `${folder} cannot be written (${code})`, {
    place: folder,
    remedy: 'Check the path and its permissions.',
    cause: error,
  });
}
