import { copyFileSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GroupCommit } from './group-commit.ts';
import { openSqliteWriter } from './sqlite-file.ts';

type Tables = { t: { id: number; half: number } };

const sectorBytes = 512;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-torn-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

// A power failure keeps what was synced and any part of what came after. Killing a process can't show that, since the
// page cache survives it; cutting the log behind a commit's end can.
test('what was acknowledged survives a log that is torn anywhere behind it, and nothing is half there', async () => {
  const file = join(folder, 'a.db');
  const db = openSqliteWriter(file);
  db.exec('create table t (id integer, half integer, primary key (id, half)) strict');
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const synced: { readonly logBytes: number; readonly acknowledged: number }[] = [];
  const acknowledged: number[] = [];
  const group = new GroupCommit({
    db,
    onFatal: (error) => {
      throw error;
    },
    limits: { groupSize: 3, groupMs: 10_000 },
    crashPoint: (name) => {
      if (name !== 'database.after-commit') return;
      // Everything that the earlier groups answered was on disk by then; this group's own answers follow.
      synced.push({ logBytes: statSync(`${file}-wal`).size, acknowledged: acknowledged.length });
    },
  });
  for (let burst = 0; burst < 8; burst++) {
    await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const id = burst * 5 + index;
        await group.inTransaction(async (tx) => {
          for (const half of [0, 1]) await tx.withTables<Tables>().insertInto('t').values({ id, half }).execute();
        });
        acknowledged.push(id);
      }),
    );
  }
  await group.drain();
  const log = await open(`${file}-wal`);
  const logBytes = (await log.stat()).size;
  await log.close();

  for (let cut = 0; cut < 150; cut++) {
    // After the k-th commit the log up to there was synced, and with it what the groups up to the k-th answered.
    const barrier = cut % (synced.length - 1);
    const { logBytes: safeBytes = 0 } = synced[barrier] ?? {};
    const { acknowledged: count = 0 } = synced[barrier + 1] ?? {};
    const at = Math.min(logBytes, safeBytes + Math.floor(((cut * 7919) % 1000) * 0.001 * (logBytes - safeBytes)));
    const copy = join(folder, `copy-${cut}`, 'a.db');
    mkdirSync(join(folder, `copy-${cut}`));
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    if (cut % 2 === 0) truncateSync(`${copy}-wal`, at);
    else await zeroSector(`${copy}-wal`, Math.ceil(at / sectorBytes) * sectorBytes);

    const left = new DatabaseSync(copy);
    expect(left.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    const rows = left.prepare('select id, count(*) as halves from t group by id').all();
    left.close();
    expect(rows.filter((row) => row.halves !== 2)).toEqual([]);
    const ids = new Set(rows.map((row) => row.id));
    expect(acknowledged.slice(0, count).filter((id) => !ids.has(id))).toEqual([]);
  }
  db.close();
});

async function zeroSector(path: string, at: number): Promise<void> {
  const size = statSync(path).size;
  if (at >= size) return writeFileSync(path, '', { flag: 'a' });
  const file = await open(path, 'r+');
  await file.write(new Uint8Array(Math.min(sectorBytes, size - at)), 0, undefined, at);
  await file.close();
}
