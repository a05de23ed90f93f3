import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { makePrivateFolder } from '../platform/processes/index.ts';
import { syncFolder } from '../platform/objects/index.ts';

/** That the database was put back from a backup, as the data directory says it: only then the ledger may be shorter. */
export interface RestoreOrder {
  /** Id of the history that begins. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What was put back, such as the backup's id. */
  readonly backup: string;
}

const fileName = 'restored.json';

/**
 * Says in the ledger's folder of a data directory that a backup was put back, before the server starts on it. The next
 * start makes it an entry (`system.restored`) and signs again.
 */
export async function orderRestore(folder: string, order: Omit<RestoreOrder, 'id'>): Promise<void> {
  makePrivateFolder(folder);
  const part = join(folder, `${fileName}.part`);
  await rm(part, { force: true });
  const handle = await open(part, 'wx', 0o600);
  try {
    await handle.writeFile(JSON.stringify({ id: randomBytes(8).toString('hex'), ...order }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, join(folder, fileName));
  await syncFolder(folder);
}

/** The order that waits; undefined where there is none. */
export async function readRestoreOrder(folder: string): Promise<RestoreOrder | undefined> {
  const file = join(folder, fileName);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const order = JSON.parse(text) as RestoreOrder;
    if (/^[0-9a-f]{16}$/.test(order.id) && Number.isSafeInteger(order.at) && typeof order.backup === 'string')
      return order;
  } catch {
    // Said below.
  }
  throw new MusterError('ledger_contradicted', `${file} is no order of a restore`, {
    place: file,
    remedy: 'Remove it, and put the backup back with muster restore again.',
  });
}

/** Removes the order, once a checkpoint outside covers its entry. */
export async function removeRestoreOrder(folder: string): Promise<void> {
  await rm(join(folder, fileName), { force: true });
}
