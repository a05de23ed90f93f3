import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createLedger } from '../src/ledger/index.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import { openDatabase } from '../src/platform/database/index.ts';
import { createObjectStore, createUploads } from '../src/platform/objects/index.ts';
import { type StorageAck, partBytes, referencedIn, storageFolder } from './storage-acks.ts';

// Writes everything that the storage can write, several writers at once, and says on standard output what was
// acknowledged, until somebody kills it, or it kills itself at the n-th pass of a named crash point:
//   storage-child FOLDER [CRASH_POINT N]

type Tables = { setting: { key: string; value: string }; object: { digest: string; touched_at: number } };

const [folder = '', crashAt, nth = '1'] = process.argv.slice(2);
const owner = 'writer';
let passes = 0;
const crashPoint = (name: string): void => {
  if (name === crashAt && ++passes === Number(nth)) process.kill(process.pid, 'SIGKILL');
};
const acknowledge = (ack: StorageAck): void => {
  // A pipe takes it before the call returns, so it is out even if the next instruction is the last.
  process.stdout.write(`${JSON.stringify(ack)}\n`);
};

const newId = createIds(systemClock);
const database = await openDatabase({
  file: join(folder, 'muster.db'),
  crashPoint,
  onFatal: (error) => {
    throw error;
  },
});
const objects = await createObjectStore({
  folder: storageFolder(folder),
  database,
  clock: systemClock,
  newId,
  crashPoint,
});
objects.registerReferences(referencedIn);
const uploads = createUploads({ objects, database, clock: systemClock, newId, maxBytes: 1e9, partBytes, crashPoint });
const ledger = createLedger({ clock: systemClock });

async function writeTransactions(): Promise<void> {
  for (;;) {
    const id = newId();
    await database.inTransaction(async (tx) => {
      const settings = tx.withTables<Tables>();
      await settings
        .insertInto('setting')
        .values({ key: `left:${id}`, value: '' })
        .execute();
      await settings
        .insertInto('setting')
        .values({ key: `right:${id}`, value: '' })
        .execute();
      await ledger.append(tx, {
        actor: { kind: 'system', id: 'writer' },
        action: 'system.test',
        subject: { kind: 'setting', id },
        team: null,
        outcome: 'allowed',
        request: id,
      });
    });
    acknowledge({ kind: 'transaction', id });
  }
}

/** Content that is put, referred to, given up, swept and put again. */
async function writeAndSweepObjects(): Promise<void> {
  for (let round = 0; ; round++) {
    const content = Buffer.from(`content ${round % 3}`);
    const { digest } = await objects.put([content].values() as unknown as AsyncIterable<Uint8Array>, {
      maxBytes: 1000,
    });
    const key = `reference:${digest}`;
    try {
      await database.inTransaction(async (tx) => {
        await objects.hold(tx, digest);
        const settings = tx.withTables<Tables>().insertInto('setting').values({ key, value: '' });
        await settings.onConflict((conflict) => conflict.doNothing()).execute();
      });
    } catch {
      continue; // the other writer's sweep was faster
    }
    if ((await objects.stat(digest)) === undefined) throw new Error('content that is referred to is gone');
    await database.inTransaction(async (tx) => {
      await tx.withTables<Tables>().deleteFrom('setting').where('key', '=', key).execute();
      await tx.withTables<Tables>().updateTable('object').set({ touched_at: 0 }).where('digest', '=', digest).execute();
    });
    await objects.sweep();
  }
}

async function writeObjects(): Promise<void> {
  for (;;) {
    const stored = await objects.put(pieces(randomBytes(25_000)), { maxBytes: 100_000 });
    acknowledge({ kind: 'object', digest: stored.digest });
  }
}

async function writeUploads(): Promise<void> {
  for (;;) {
    const content = randomBytes(3 * partBytes - 100);
    const { id } = await uploads.start({ sizeBytes: content.byteLength, owner });
    acknowledge({ kind: 'upload', id, sha256: createHash('sha256').update(content).digest('hex') });
    for (const number of [2, 3, 1]) {
      const part = content.subarray((number - 1) * partBytes, number * partBytes);
      await uploads.putPart(id, owner, number, pieces(part));
      acknowledge({ kind: 'part', id, number, sha256: createHash('sha256').update(part).digest('hex') });
    }
    const { digest } = await uploads.complete(id, owner);
    acknowledge({ kind: 'completed', id, digest });
  }
}

async function* pieces(content: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += 10_000) yield content.subarray(at, at + 10_000);
}

acknowledge({ kind: 'started' });
await Promise.all([
  writeTransactions(),
  writeTransactions(),
  writeTransactions(),
  writeAndSweepObjects(),
  writeObjects(),
  writeUploads(),
  writeUploads(),
]);
