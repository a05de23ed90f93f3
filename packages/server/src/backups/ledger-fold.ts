import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as others } from 'node:timers/promises';
import type { DatabaseFacts } from '@muster-ml/protocol';
import { Frontier, leafOf } from '../ledger/index.ts';

/** A row of the ledger, as both databases give it. */
export interface LedgerRow {
  readonly seq: number;
  readonly body: string;
  readonly leaf: Uint8Array;
}

/** Takes entries in order; says in the end how many there were, the root over them, and where the chain broke first. */
export interface LedgerFold {
  add(row: LedgerRow): void;
  end(): DatabaseFacts['ledger'];
}

/** Leaves are computed from the bodies, so that the root speaks of what is kept and not of what a column says. */
export function createLedgerFold(): LedgerFold {
  const tree = new Frontier();
  let broken: number | null = null;
  return {
    add({ seq, body, leaf }) {
      const computed = leafOf(body);
      const isRight = seq === tree.size && seqIn(body) === seq && Buffer.from(computed).equals(leaf);
      if (!isRight) broken ??= tree.size;
      tree.add(computed);
    },
    end: () => ({ size: tree.size, root: Buffer.from(tree.root()).toString('base64'), broken }),
  };
}

/** Entries that are hashed before others have their turn: about two milliseconds. */
const atATime = 250;

/** The ledger of a SQLite file that nobody writes. */
export async function foldSqliteLedger(db: DatabaseSync): Promise<DatabaseFacts['ledger']> {
  const fold = createLedgerFold();
  const query = db.prepare('select seq, body, leaf from ledger_entry where seq > ? order by seq limit ?');
  for (let after = -1; ;) {
    const rows = query.all(after, atATime) as unknown as readonly LedgerRow[];
    for (const row of rows) fold.add(row);
    const last = rows.at(-1);
    if (last === undefined) return fold.end();
    after = last.seq;
    await others();
  }
}

function seqIn(body: string): unknown {
  try {
    return (JSON.parse(body) as { readonly seq?: unknown } | null)?.seq;
  } catch {
    return undefined;
  }
}
