import { join } from 'node:path';
import { createFolderSink } from '../../src/ledger/folder-sink.ts';
import { createLedger, createLedgerRecords } from '../../src/ledger/index.ts';
import { createIds, systemClock } from '../../src/platform/clock/index.ts';
import { openDatabase } from '../../src/platform/database/index.ts';

// Writes a row and its entry in each transaction, several writers at once, makes checkpoints and changes the signing key
// meanwhile, and says on standard output what was acknowledged, until somebody kills it:
//   ledger-child FOLDER INSTALLATION

const [folder = '', installation = ''] = process.argv.slice(2);
const writers = 4;
const checkpointMs = 20;
const keysEveryMs = 15;

const newId = createIds(systemClock);
const database = await openDatabase({
  file: join(folder, 'muster.db'),
  onFatal: (error) => {
    throw error;
  },
});
const ledger = createLedger({ clock: systemClock });
const records = createLedgerRecords({
  database,
  ledger,
  clock: systemClock,
  installationId: async () => installation,
  folder: join(folder, 'ledger'),
  sinks: [createFolderSink({ folder: join(folder, 'outside'), isWeak: false, clock: systemClock })],
  checkpointMs,
  onError: (error) => {
    throw error;
  },
});

async function write(): Promise<void> {
  for (;;) {
    const id = newId();
    await database.inTransaction(async (tx) => {
      const settings = tx.withTables<{ setting: { key: string; value: string } }>().insertInto('setting');
      await settings.values({ key: id, value: '' }).execute();
      await ledger.append(tx, {
        actor: { kind: 'system', id: 'writer' },
        action: 'system.test',
        subject: { kind: 'setting', id },
        team: null,
        outcome: 'allowed',
        request: id,
      });
    });
    process.stdout.write(`${id}\n`);
  }
}

async function changeKeys(): Promise<void> {
  for (;;) {
    await records.rotateKey();
    await new Promise((resolve) => {
      setTimeout(resolve, keysEveryMs);
    });
  }
}

records.start();
await Promise.all([changeKeys(), ...Array.from({ length: writers }, write)]);
