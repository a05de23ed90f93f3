import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeptLedgerRecords, type Ledger, createLedger, createLedgerRecords } from '../../src/ledger/index.ts';
import { createFolderSink } from '../../src/ledger/folder-sink.ts';
import type { CheckpointSink } from '../../src/ledger/sink.ts';
import type { Clock } from '../../src/platform/clock/index.ts';
import type { Database } from '../../src/platform/database/index.ts';
import { type TestDatabase, openTestDatabase } from '../database.ts';
import { plainEntry } from './memory-ledger.ts';

/** A clock that stands until it is moved; what is due then runs. */
export interface HandClock extends Clock {
  advance(ms: number): void;
}

export function handClock(): HandClock {
  let nowMs = 1_700_000_000_000;
  const waiting = new Set<{ readonly at: number; readonly callback: () => void }>();
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer = { at: nowMs + delayMs, callback };
      waiting.add(timer);
      return () => waiting.delete(timer);
    },
    advance(ms) {
      nowMs += ms;
      for (const timer of waiting) {
        if (timer.at > nowMs) continue;
        waiting.delete(timer);
        timer.callback();
      }
    },
  };
}

/** A ledger on a database of its own, with a folder outside. */
export interface LedgerRoom {
  readonly test: TestDatabase;
  readonly clock: HandClock;
  readonly folder: string;
  readonly ledger: Ledger;
  /** Errors of the background, as texts. */
  readonly errors: readonly string[];
  readonly records: KeptLedgerRecords;
  /** Appends so many entries, ten milliseconds apart. */
  append(count: number): Promise<void>;
  /** Records anew, as after a restart, on another database where one is given. */
  restarted(database?: Database, sinks?: readonly CheckpointSink[]): KeptLedgerRecords;
  close(): Promise<void>;
}

/** A transaction on SQLite must be short. */
const entriesInTransaction = 20;

export const installationId = '018f3a52-7c1e-7000-8000-0000000000aa';

export async function openLedgerRoom(
  kind: Database['kind'],
  more: readonly CheckpointSink[] = [],
): Promise<LedgerRoom> {
  const test = await openTestDatabase(kind);
  const folder = await mkdtemp(join(tmpdir(), 'muster-ledger-'));
  const clock = handClock();
  const ledger = createLedger({ clock });
  const errors: string[] = [];
  const restarted = (database = test.database, sinks: readonly CheckpointSink[] = more): KeptLedgerRecords =>
    createLedgerRecords({
      database,
      ledger,
      clock,
      installationId: async () => installationId,
      folder: join(folder, 'ledger'),
      sinks: [createFolderSink({ folder: join(folder, 'outside'), isWeak: false, clock }), ...sinks],
      checkpointMs: 60_000,
      onError: (error) => errors.push(error instanceof Error ? error.message : String(error)),
    });
  return {
    test,
    clock,
    folder,
    ledger,
    errors,
    records: restarted(),
    async append(count) {
      for (let done = 0; done < count; done += entriesInTransaction) {
        await test.database.inTransaction(async (tx) => {
          for (let number = done; number < Math.min(count, done + entriesInTransaction); number++) {
            clock.advance(10);
            await ledger.append(tx, plainEntry(number));
          }
        });
      }
    },
    restarted,
    async close() {
      await test.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
