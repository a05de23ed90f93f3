import { MusterError } from '@muster-ml/protocol';

/** The error to throw for what the file system threw: a full volume has a name of its own, anything else is not ours to explain. */
export function toStorageError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new MusterError('disk_full', 'the volume of the object store is full', { cause: error });
    case 'EIO':
    case 'EROFS':
    case 'EACCES':
    case 'EMFILE':
    case 'ENFILE':
      return new MusterError('storage_unavailable', 'the object store can not be written', { cause: error });
    default:
      return error;
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
