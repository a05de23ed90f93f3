import type { Database, Tx } from '../platform/database/index.ts';
import type { Checkpoint } from './contract.ts';
import type { LedgerTables } from './tables.ts';

export type Publication = Checkpoint['published'][number];

const mostPublications = 50;

/** Checkpoints, the keys that sign them, and how far the ledger goes. */
export function createCheckpointStore(database: Database) {
  const reader = database.reader.withTables<LedgerTables>();
  return {
    /** How many entries there are. */
    async size(): Promise<number> {
      const last = await reader
        .selectFrom('ledger_entry')
        .select('seq')
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst();
      return last === undefined ? 0 : last.seq + 1;
    },

    /** When an entry was made; undefined where there is none. */
    async timeOf(seq: number): Promise<number | undefined> {
      return (await reader.selectFrom('ledger_entry').select('at').where('seq', '=', seq).executeTakeFirst())?.at;
    },

    /** The leaves of [from, to), in order. */
    async leaves(from: number, to: number): Promise<readonly Uint8Array[]> {
      const rows = await reader
        .selectFrom('ledger_entry')
        .select('leaf')
        .where('seq', '>=', from)
        .where('seq', '<', to)
        .orderBy('seq')
        .execute();
      return rows.map(({ leaf }) => leaf);
    },

    async body(seq: number): Promise<string | undefined> {
      return (await reader.selectFrom('ledger_entry').select('body').where('seq', '=', seq).executeTakeFirst())?.body;
    },

    /** The bodies of `system.restored`, oldest first. */
    async restoredBodies(): Promise<readonly { readonly seq: number; readonly at: number; readonly body: string }[]> {
      return await reader
        .selectFrom('ledger_entry')
        .select(['seq', 'at', 'body'])
        .where('action', '=', 'system.restored')
        .orderBy('seq')
        .execute();
    },

    /** Newest first, below a size. */
    async list(limit: number, below?: number): Promise<readonly Checkpoint[]> {
      const rows = await reader
        .selectFrom('ledger_checkpoint')
        .selectAll()
        .$if(below !== undefined, (query) => query.where('size', '<', below ?? 0))
        .orderBy('size', 'desc')
        .limit(limit)
        .execute();
      return rows.map(checkpointOf);
    },

    /** Adds a checkpoint, or answers the one of the same size that another control was faster with. */
    async add(checkpoint: { readonly size: number; readonly note: string; readonly at: number }): Promise<Checkpoint> {
      return await database.inTransaction(async (tx) => {
        const db = tx.withTables<LedgerTables>();
        await db
          .insertInto('ledger_checkpoint')
          .values({ ...checkpoint, published: '[]' })
          .onConflict((conflict) => conflict.column('size').doNothing())
          .execute();
        const row = await db
          .selectFrom('ledger_checkpoint')
          .selectAll()
          .where('size', '=', checkpoint.size)
          .executeTakeFirstOrThrow();
        return checkpointOf(row);
      });
    },

    /** Notes what became of a publication; of the failures of a sink only the last is kept. */
    async notePublication(size: number, publication: Publication): Promise<void> {
      await database.inTransaction(async (tx) => {
        const db = tx.withTables<LedgerTables>();
        const row = await db
          .selectFrom('ledger_checkpoint')
          .selectAll()
          .where('size', '=', size)
          .forUpdate()
          .executeTakeFirst();
        if (row === undefined) return;
        const others = checkpointOf(row).published.filter(({ sink }) => sink !== publication.sink);
        const published = JSON.stringify([...others, publication].slice(-mostPublications));
        await db.updateTable('ledger_checkpoint').set({ published }).where('size', '=', size).execute();
      });
    },

    /** Verifier lines, oldest first. */
    async keys(): Promise<readonly { readonly verifier: string; readonly seq: number }[]> {
      return await reader.selectFrom('ledger_key').select(['verifier', 'seq']).orderBy('seq').execute();
    },

    async addKey(tx: Tx, key: { readonly verifier: string; readonly seq: number; readonly at: number }): Promise<void> {
      await tx
        .withTables<LedgerTables>()
        .insertInto('ledger_key')
        .values({ verifier: key.verifier, seq: key.seq, created_at: key.at })
        .execute();
    },
  };
}

export type CheckpointStore = ReturnType<typeof createCheckpointStore>;

function checkpointOf(row: LedgerTables['ledger_checkpoint']): Checkpoint {
  return {
    size: row.size,
    note: row.note,
    at: row.at,
    published: JSON.parse(row.published) as readonly Publication[],
  };
}
