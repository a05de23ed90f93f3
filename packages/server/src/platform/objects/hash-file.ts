import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { StoredObject } from '@muster-ml/protocol';

/** Up to here, hashing takes less time than starting a thread (4 MiB: about 3 ms). */
const inlineBytes = 4 * 1024 * 1024;

/** SHA-256 and size of a file; large ones in a thread of their own, so that nobody waits for them. */
export async function hashFile(file: string): Promise<StoredObject> {
  if ((await stat(file)).size <= inlineBytes) {
    const content = await readFile(file);
    return { digest: createHash('sha256').update(content).digest('hex'), sizeBytes: content.byteLength };
  }
  // The same extension as this file: .ts from the sources, .js from the package.
  const program = new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url);
  return await new Promise<StoredObject>((resolve, reject) => {
    const worker = new Worker(program, { workerData: { file }, name: 'muster-hash' });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that hashes ended without an answer')));
  });
}
