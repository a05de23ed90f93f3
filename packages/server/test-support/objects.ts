import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, createIds, systemClock } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type FolderObjectStore, createObjectStore } from '../src/platform/objects/index.ts';

/** An object store in a temporary folder of its own. */
export async function openTestObjects(
  database: Database,
  options: { readonly clock?: Clock; readonly crashPoint?: (name: string) => void } = {},
): Promise<{ readonly objects: FolderObjectStore; readonly folder: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-objects-'));
  const clock = options.clock ?? systemClock;
  const objects = await createObjectStore({
    folder,
    database,
    clock,
    newId: createIds(clock),
    crashPoint: options.crashPoint,
  });
  return { objects, folder, close: () => rm(folder, { recursive: true, force: true }) };
}

/** A stream of the given chunks. */
export async function* chunksOf(...chunks: readonly (string | Uint8Array)[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** A clock that stands still until it is moved. */
export function createStillClock(startAt = 1_700_000_000_000): Clock & { advance(ms: number): void } {
  let now = startAt;
  return {
    now: () => now,
    after: () => () => {},
    advance: (ms) => {
      now += ms;
    },
  };
}
