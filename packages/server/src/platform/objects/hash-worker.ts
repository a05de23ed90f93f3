import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

// Hashes one file and ends. Synchronous on purpose: it has the thread to itself.

const { file } = workerData as { readonly file: string };
const buffer = new Uint8Array(1024 * 1024);
const hash = createHash('sha256');
const descriptor = openSync(file, 'r');
let sizeBytes = 0;
for (;;) {
  const count = readSync(descriptor, buffer, 0, buffer.byteLength, null);
  if (count === 0) break;
  hash.update(buffer.subarray(0, count));
  sizeBytes += count;
}
closeSync(descriptor);
parentPort?.postMessage({ digest: hash.digest('hex'), sizeBytes });
