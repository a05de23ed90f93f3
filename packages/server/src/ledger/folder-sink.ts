import { mkdir, open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../platform/clock/index.ts';
import { syncFolder } from '../platform/objects/index.ts';
import { formatKeptNote, parseKeptNotes, tornEnd } from './kept-notes.ts';
import { parseNote } from './signed-note.ts';
import type { CheckpointSink } from './sink.ts';

const fileForm = /^checkpoints-\d{4}-\d{2}\.txt$/;
/** A ledger that had no checkpoints before is not written out leaf by leaf without bound. */
const mostLeaves = 200_000;

/**
 * A folder, at best on another volume with another owner: a file a month that is only appended to, so that it may be an
 * append-only file for the system as well. The text is that of `kept-notes.ts`.
 */
export function createFolderSink(parts: {
  readonly folder: string;
  readonly isWeak: boolean;
  readonly clock: Clock;
}): CheckpointSink {
  const { folder, isWeak, clock } = parts;
  /** What the folder ends with; read at the first publication. */
  let last: { readonly size: number; readonly restored: string } | undefined;
  let isRead = false;

  async function files(): Promise<readonly string[]> {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.filter((name) => fileForm.test(name)).toSorted();
  }

  async function readLast(): Promise<typeof last> {
    for (const name of (await files()).toReversed()) {
      const note = parseKeptNotes(await readFile(join(folder, name), 'utf8'))
        .kept.map((kept) => parseNote(kept.note))
        .findLast((parsed) => parsed !== undefined);
      if (note !== undefined) return { size: note.size, restored: note.restored };
    }
    return undefined;
  }

  return {
    name: `folder ${folder}`,
    isWeak,
    async publish(checkpoint) {
      if (!isRead) last = await readLast();
      isRead = true;
      const { size, restored, restoredSeq } = checkpoint;
      const known = last === undefined ? 0 : last.size;
      const wanted = last?.restored === restored ? known : Math.min(known, restoredSeq);
      const from = Math.max(Math.min(wanted, size), size - mostLeaves);
      await append(
        folder,
        `checkpoints-${new Date(clock.now()).toISOString().slice(0, 7)}.txt`,
        formatKeptNote(checkpoint.note, from, await checkpoint.leaves(from)),
      );
      last = { size, restored };
    },
    async read() {
      const texts: string[] = [];
      for (const name of await files()) texts.push(await readFile(join(folder, name), 'utf8'));
      // The end that a crash cut short must not swallow the beginning of the next file.
      return texts.map((text) => (text.endsWith('\n\n') ? text : `${text}${tornEnd}`)).join('');
    },
  };
}

/** Appends durably. An end that a crash cut short is ended first, so that it spoils nothing but itself. */
async function append(folder: string, name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const handle = await open(join(folder, name), 'a+', 0o640);
  let isNew: boolean;
  try {
    const { size } = await handle.stat();
    isNew = size === 0;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, Math.max(0, size - 2));
    const isWhole = isNew || buffer.toString('latin1', 0, bytesRead) === '\n\n';
    await handle.appendFile(isWhole ? text : `${tornEnd}${text}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (isNew) await syncFolder(folder);
}
