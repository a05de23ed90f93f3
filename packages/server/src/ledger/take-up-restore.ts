import type { Database } from '../platform/database/index.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { Continuity } from './continuity.ts';
import type { Ledger } from './entry.ts';
import { readRestoreOrder } from './restore-order.ts';
import { restoreIn } from './restores.ts';
import type { TreeStore } from './tree-store.ts';

const mostEnded = 100;

export interface TakeUpParts {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly store: CheckpointStore;
  readonly tree: TreeStore;
  readonly continuity: Continuity;
  readonly folder: string;
  origin(): Promise<string>;
}

/**
 * Makes the order of a restore an entry, the first one after what was put back: it carries size and root before it, and
 * what was known of the ledger that it replaced. Does nothing where the entry is there already, or no order waits.
 */
export async function takeUpRestore(parts: TakeUpParts): Promise<void> {
  const { database, ledger, store, tree, continuity, folder } = parts;
  const order = await readRestoreOrder(folder);
  if (order === undefined) return;
  const restores = (await store.restoredBodies()).map(({ seq, at, body }) =>
    restoreIn(seq, at, JSON.parse(body) as object),
  );
  if (restores.some((restore) => restore?.id === order.id)) return;
  const head = await tree.growTo(await store.size());
  const known = new Set(['', ...restores.map((restore) => restore?.id)]);
  const before = continuity.signed.toSorted((a, b) => b.size - a.size)[0];
  const origin = await parts.origin();
  await database.inTransaction(async (tx) => {
    await ledger.append(tx, {
      actor: { kind: 'system', id: 'restore' },
      action: 'system.restored',
      subject: { kind: 'ledger', id: origin },
      team: null,
      outcome: 'allowed',
      request: 'system',
      ctx: {
        restored: order.id,
        orderedAt: order.at,
        backup: order.backup,
        size: head.size,
        root: Buffer.from(head.root).toString('base64'),
        sizeBefore: Math.max(before?.size ?? 0, head.size),
        rootBefore: before === undefined ? null : Buffer.from(before.root).toString('base64'),
        ended: [...new Set(continuity.signed.map(({ restored }) => restored))]
          .filter((id) => !known.has(id))
          .slice(0, mostEnded),
      },
    });
  });
}
