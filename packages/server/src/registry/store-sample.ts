import { Readable } from 'node:stream';
import type { ObjectStore } from '../platform/objects/index.ts';

const maxObjectBytes = 64 * 1024 * 1024;

/** Keeps a packed sample as an object; answers its digest. */
export async function storeSample(objects: ObjectStore, packed: Uint8Array): Promise<string> {
  return (await objects.put(Readable.from([packed]), { maxBytes: maxObjectBytes })).digest;
}
