import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createFolderSink } from '../../src/ledger/folder-sink.ts';
import { createLedger, createLedgerRecords } from '../../src/ledger/index.ts';
import { createIds, systemClock } from '../../src/platform/clock/index.ts';
import type { Database, Tx } from '../../src/platform/database/index.ts';
import { openTestDatabase } from '../database.ts';
import { installationId } from './ledger-room.ts';
import { plainEntry } from './memory-ledger.ts';

const entriesInTransaction = 25;

/** A ledger that the benchmarks measure: on a database of its own, durable, with checkpoints in a folder. */
export interface MeasuredLedger {
  /** Transactions a second of so many writers, each with a row of its own; with an entry too where `isAudited`. */
  transactionsPerSecond(count: number, writers: number, isAudited: boolean): Promise<number>;
  /** Appends entries until there are so many. */
  growTo(size: number): Promise<void>;
  checkpoint(): Promise<void>;
  /** Entries a second of a whole verification; throws where it finds something. */
  verifiedPerSecond(): Promise<number>;
  /** Entries a second of SHA-256 alone, over the same bytes. */
  hashedPerSecond(): Promise<number>;
  /** Milliseconds of one proof, the mean of some. */
  proofMs(): Promise<number>;
  /** Bytes of the database by the number of entries; SQLite only. */
  bytesPerEntry(): Promise<number>;
  close(): Promise<void>;
}

/** Opens an empty one. */
export async function openMeasuredLedger(kind: Database['kind']): Promise<MeasuredLedger> {
  const test = await openTestDatabase(kind);
  const { database } = test;
  const folder = await mkdtemp(join(tmpdir(), 'muster-ledger-'));
  const ledger = createLedger({ clock: systemClock });
  const newId = createIds(systemClock);
  const records = createLedgerRecords({
    database,
    ledger,
    clock: systemClock,
    installationId: async () => installationId,
    folder: join(folder, 'ledger'),
    sinks: [createFolderSink({ folder: join(folder, 'outside'), isWeak: false, clock: systemClock })],
    checkpointMs: 60_000,
    onError: (error) => {
      throw error;
    },
  });
  let size = 0;

  async function write(tx: Tx): Promise<void> {
    const settings = tx.withTables<{ setting: { key: string; value: string } }>().insertInto('setting');
    await settings.values({ key: newId(), value: 'a row as a use case writes it' }).execute();
  }

  return {
    async transactionsPerSecond(count, writers, isAudited) {
      const startMs = performance.now();
      let left = count;
      await Promise.all(
        Array.from({ length: writers }, async () => {
          while (left-- > 0) {
            await database.inTransaction(async (tx) => {
              await write(tx);
              if (isAudited) size = (await ledger.append(tx, plainEntry(left))) + 1;
            });
          }
        }),
      );
      return (count * 1000) / (performance.now() - startMs);
    },
    async growTo(wanted) {
      for (let left = wanted - size; left > 0; left -= entriesInTransaction) {
        const count = Math.min(entriesInTransaction, left);
        await database.inTransaction(async (tx) => {
          for (let number = 0; number < count; number++) size = (await ledger.append(tx, plainEntry(number))) + 1;
        });
      }
    },
    async checkpoint() {
      size = (await records.checkpoint())?.size ?? 0;
    },
    async verifiedPerSecond() {
      const startMs = performance.now();
      const report = await records.verify({});
      const seconds = (performance.now() - startMs) / 1000;
      if (report.outcome !== 'ok') throw new Error(`verification found: ${report.findings.join('; ')}`);
      return report.size / seconds;
    },
    async hashedPerSecond() {
      const bodies: string[] = [];
      for await (const batch of records.all(0)) bodies.push(...batch.map(({ body }) => body));
      const startMs = performance.now();
      for (const body of bodies) hash('sha256', body, 'hex');
      return (bodies.length * 1000) / (performance.now() - startMs);
    },
    async proofMs() {
      const proofs = 100;
      const startMs = performance.now();
      for (let proof = 0; proof < proofs; proof++) await records.prove(Math.floor((proof * size) / proofs));
      return (performance.now() - startMs) / proofs;
    },
    async bytesPerEntry() {
      const query = sql<{
        bytes: number;
      }>`select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()`;
      const { rows } = await query.execute(database.reader);
      return (rows[0]?.bytes ?? 0) / size;
    },
    async close() {
      await records.stop();
      await test.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
