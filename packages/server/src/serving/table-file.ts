import { constants } from 'node:fs';
import { chmod, mkdir, open, readFile, rename, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseTable } from './read-table.ts';
import type { RoutingTable } from './routing-table.ts';

/** A table as it was found on disk. */
export interface KeptTable {
  readonly table: RoutingTable;
  /** When control was last heard of, milliseconds since the epoch: the file's own time. */
  readonly contactAt: number;
}

/** The last routing table on disk, so that a gateway that starts while control is down answers at once. It holds digests of tokens: mode 0600. */
export interface TableFile {
  /** Undefined if there is none, or none that can be read: then control has to send one. */
  load(): Promise<KeptTable | undefined>;
  /** Replaces it whole and lasting: a crash leaves the old one or the new one. Of what comes while one is written only the last is. */
  save(text: string): Promise<void>;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
  /** Notes that control was heard of just now. */
  touch(at: number): Promise<void>;
}

export function createTableFile(path: string, maxBytes: number): TableFile {
  let next: string | undefined;
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    try {
      for (let text = next; text !== undefined; text = next) {
        next = undefined;
        await replaceFile(path, text);
      }
    } finally {
      writing = undefined;
    }
  };
  const settled = async (): Promise<void> => {
    await writing?.catch(() => undefined);
  };
  return {
    load: async () => {
      try {
        const { size, mtimeMs } = await stat(path);
        if (size > maxBytes) return undefined;
        const table = parseTable(await readFile(path, 'utf8'));
        return table === undefined ? undefined : { table, contactAt: mtimeMs };
      } catch {
        return undefined;
      }
    },
    save: (text) => {
      next = text;
      return (writing ??= write());
    },
    settled,
    touch: async (at) => {
      await settled();
      await utimes(path, new Date(at), new Date(at)).catch(() => undefined);
    },
  };
}

async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const next = `${path}.next`;
  const file = await open(next, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(next, 0o600);
  await rename(next, path);
  const directory = await open(folder, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
