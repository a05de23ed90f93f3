import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { type LedgerRoom, openLedgerRoom } from '../../test-support/ledger/ledger-room.ts';
import { plainEntry } from '../../test-support/ledger/memory-ledger.ts';

/** LEDGER_ENTRIES=100000 takes some minutes. */
const entries = Number(process.env['LEDGER_ENTRIES'] ?? 10_000);
const writers = 8;
const entriesInTransaction = 10;

describe.each(databaseKinds)('on %s', (kind) => {
  let room: LedgerRoom;

  beforeEach(async () => {
    room = await openLedgerRoom(kind);
  });
  afterEach(async () => {
    await room.records.stop();
    await room.close();
  });

  test(
    `${entries} honest entries by 8 writers at once, with checkpoints meanwhile, raise no alarm`,
    { timeout: 24 * entries },
    async () => {
      let left = entries / entriesInTransaction;
      const write = async (): Promise<void> => {
        while (left-- > 0) {
          const first = left * entriesInTransaction;
          await room.test.database.inTransaction(async (tx) => {
            for (let number = 0; number < entriesInTransaction; number++) {
              await room.ledger.append(tx, plainEntry(first + number));
            }
          });
          if (left % 50 === 0) await room.records.checkpoint();
        }
      };
      await Promise.all(Array.from({ length: writers }, write));
      await room.records.checkpoint();
      const report = await room.records.verify({});
      // And the entry that introduces the key.
      expect(report).toMatchObject({ outcome: 'ok', size: entries + 1, anchored: entries + 1, findings: [] });
    },
  );
});
