import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const itemBytes = 64 * 1024;
const items = 400;
const inAtOnce = 8;

/**
 * Bytes that are still held after 400 items of 64 KiB have passed through a container, a few at a time, and the young
 * generation was collected. A full collection comes first, while some are in it: what it finds is old from then on, and
 * whatever an old object points to survives, even after that object has become garbage itself.
 */
export function bytesKeptBehind<T>(container: {
  readonly make: (bytes: Uint8Array) => T;
  readonly enter: (item: T) => void;
  readonly leave: (item: T) => void;
}): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  const inside: T[] = [];
  const pass = (count: number): void => {
    for (let index = 0; index < count; index++) {
      const item = container.make(new Uint8Array(itemBytes));
      container.enter(item);
      inside.push(item);
      const first = inside.length > inAtOnce ? inside.shift() : undefined;
      if (first !== undefined) container.leave(first);
    }
  };
  pass(inAtOnce);
  collect();
  const before = process.memoryUsage().arrayBuffers;
  pass(items);
  collect({ type: 'minor' });
  collect({ type: 'minor' });
  return process.memoryUsage().arrayBuffers - before;
}
