import { MusterError } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../platform/database/index.ts';
import { restoreIn } from './restores.ts';
import { Frontier, type Subtree, fullSubtrees, hashBytes, joined } from './merkle-tree.ts';
import type { LedgerTables } from './tables.ts';

/** How far the tree is built. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
  /** Id of the last restore below `size`; empty where there is none. */
  readonly restored: string;
}

/** The tree as it is kept: a right edge and tiles, so that neither growing nor proving reads all entries. */
export interface TreeStore {
  /** Takes in entries until the tree covers at least `size` of them, in steps that are whole by themselves. */
  growTo(size: number): Promise<TreeHead>;
  /** The roots of subtrees, each full and below the head. */
  roots(subtrees: readonly Subtree[]): Promise<readonly Uint8Array[]>;
  /** The root over the first `size` entries; undefined where the tree is smaller. */
  rootAt(size: number): Promise<Uint8Array | undefined>;
  tile(level: number, index: number): Promise<Uint8Array | undefined>;
}

const levelsInTile = 8;
const tileWidth = 256;
const stepEntries = 4096;
const headId = 1;

interface Edge {
  readonly size: number;
  readonly frontier: Frontier;
  readonly restored: string;
}

interface Tile {
  readonly level: number;
  readonly ix: number;
  readonly hashes: Uint8Array[];
}

export function createTreeStore(database: Database): TreeStore {
  const reader = database.reader.withTables<LedgerTables>();

  async function tile(level: number, index: number): Promise<Uint8Array | undefined> {
    const row = await reader
      .selectFrom('ledger_tile')
      .select('hashes')
      .where('level', '=', level)
      .where('ix', '=', index)
      .executeTakeFirst();
    return row?.hashes;
  }

  async function rootOf({ level, index }: Subtree): Promise<Uint8Array> {
    const width = 2 ** (level % levelsInTile);
    const first = index * width;
    const hashes = await tile(Math.floor(level / levelsInTile), Math.floor(first / tileWidth));
    const at = (first % tileWidth) * hashBytes;
    if (hashes === undefined || hashes.byteLength < at + width * hashBytes) {
      throw contradicted(`a part of the tree is gone (level ${level}, ${index})`);
    }
    const frontier = new Frontier();
    for (const hash of split(hashes.subarray(at, at + width * hashBytes))) frontier.add(hash);
    return frontier.root();
  }

  const store: TreeStore = {
    tile,
    async growTo(size) {
      for (;;) {
        const edge = await readEdge(reader);
        if (edge.size >= size) return { size: edge.size, root: edge.frontier.root(), restored: edge.restored };
        await growStep(edge, Math.min(size, edge.size + stepEntries));
      }
    },
    async roots(subtrees) {
      const roots: Uint8Array[] = [];
      for (const subtree of subtrees) roots.push(await rootOf(subtree));
      return roots;
    },
    async rootAt(size) {
      const edge = await readEdge(reader);
      return size > edge.size ? undefined : joined(await store.roots(fullSubtrees(0, size)));
    },
  };
  return store;

  /** Reads and hashes outside the transaction, and writes only where nobody else was faster. */
  async function growStep(edge: Edge, until: number): Promise<void> {
    const rows = await reader
      .selectFrom('ledger_entry')
      .select(['seq', 'leaf', 'action'])
      .where('seq', '>=', edge.size)
      .where('seq', '<', until)
      .orderBy('seq')
      .execute();
    const { frontier } = edge;
    const tiles = new Map<string, Tile>();
    let { restored } = edge;
    for (const row of rows) {
      if (row.seq !== frontier.size) throw contradicted(`entry ${frontier.size} is missing`);
      if (row.action === 'system.restored') restored = await readRestored(row.seq);
      const nodes: { level: number; index: number; hash: Uint8Array }[] = [];
      frontier.add(row.leaf, (level, index, hash) => nodes.push({ level, index, hash }));
      for (const { level, index, hash } of nodes) {
        if (level % levelsInTile !== 0) continue;
        const [tileLevel, ix] = [level / levelsInTile, Math.floor(index / tileWidth)];
        const key = `${tileLevel}/${ix}`;
        const known = tiles.get(key) ?? (await startedTile(tileLevel, ix, index % tileWidth));
        known.hashes.push(hash);
        tiles.set(key, known);
      }
    }
    if (frontier.size < until) throw contradicted(`entry ${frontier.size} is missing`);
    const head = { size: frontier.size, frontier: frontier.toBytes(), restored };
    await database.inTransaction(async (tx) => {
      const db = tx.withTables<LedgerTables>();
      const now = await db.selectFrom('ledger_head').select('size').forUpdate().executeTakeFirst();
      if ((now?.size ?? 0) !== edge.size) return;
      for (const { level, ix, hashes } of tiles.values()) {
        const values = { width: hashes.length, hashes: Buffer.concat(hashes) };
        await db
          .insertInto('ledger_tile')
          .values({ level, ix, ...values })
          .onConflict((conflict) => conflict.columns(['level', 'ix']).doUpdateSet(values))
          .execute();
      }
      await db
        .insertInto('ledger_head')
        .values({ id: headId, ...head })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(head))
        .execute();
    });
  }

  /** A tile that was begun before: its first `width` hashes. */
  async function startedTile(level: number, ix: number, width: number): Promise<Tile> {
    if (width === 0) return { level, ix, hashes: [] };
    const hashes = await tile(level, ix);
    if (hashes === undefined || hashes.byteLength < width * hashBytes) {
      throw contradicted(`a part of the tree is gone (tile ${level}, ${ix})`);
    }
    return { level, ix, hashes: [hashes.subarray(0, width * hashBytes)].flatMap(split) };
  }

  async function readRestored(seq: number): Promise<string> {
    const row = await reader
      .selectFrom('ledger_entry')
      .select(['at', 'body'])
      .where('seq', '=', seq)
      .executeTakeFirst();
    return row === undefined ? '' : (restoreIn(seq, row.at, JSON.parse(row.body) as object)?.id ?? '');
  }
}

async function readEdge(reader: Kysely<LedgerTables>): Promise<Edge> {
  const row = await reader.selectFrom('ledger_head').selectAll().executeTakeFirst();
  return {
    size: row?.size ?? 0,
    frontier: row === undefined ? new Frontier() : Frontier.fromBytes(row.size, row.frontier),
    restored: row?.restored ?? '',
  };
}

function split(hashes: Uint8Array): Uint8Array[] {
  return Array.from({ length: hashes.byteLength / hashBytes }, (_, index) =>
    hashes.subarray(index * hashBytes, (index + 1) * hashBytes),
  );
}

function contradicted(message: string): MusterError {
  return new MusterError('ledger_contradicted', message);
}
