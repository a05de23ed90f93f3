import { dirname } from 'node:path';
import { type DatabaseFacts, MusterError } from '@muster-ml/protocol';
import { type ObjectStore, createDurableFolders } from '../platform/objects/index.ts';
import { contentPath } from './backup.ts';
import { writeDurably } from './durable-copy.ts';
import { sizeOf } from './manifest.ts';
import { sideBySide } from './side-by-side.ts';

/** Content that is copied side by side: one reads while the other syncs. */
const atOnce = 2;

export interface CopyParts {
  readonly objects: Pick<ObjectStore, 'read'>;
  /** The folder that all backups share. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, of: number) => void;
}

/**
 * Copies what a folder of backups lacks, each file hashed on its way. What is there with its size was copied and checked by
 * an earlier backup, so a second one takes only what is new. Throws `object_corrupt` for content that is not what it was.
 */
export async function copyObjects(parts: CopyParts, wanted: DatabaseFacts['objects']): Promise<void> {
  const ensureFolder = createDurableFolders(parts.folder);
  let done = 0;
  await sideBySide(wanted, atOnce, async ({ digest, sizeBytes }) => {
    parts.signal.throwIfAborted();
    const path = contentPath(parts.folder, digest);
    if ((await sizeOf(path)) !== sizeBytes) {
      await ensureFolder(dirname(path));
      await writeDurably(path, await parts.objects.read(digest), ({ sha256 }) => {
        if (sha256 === digest) return;
        throw new MusterError('object_corrupt', `the file of the content ${digest} is not what was stored`);
      });
    }
    parts.onProgress((done += 1), wanted.length);
  });
}
