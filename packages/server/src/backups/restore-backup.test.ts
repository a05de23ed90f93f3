import { appendFile, cp, mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Backup, BackupManifest } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BackupRoom, openBackupRoom, stateOf } from '../../test-support/backup-room.ts';
import { databaseKinds } from '../../test-support/database.ts';
import { hashFile } from './durable-copy.ts';
import { sealManifest } from './manifest.ts';
import { restoreBackup } from './restore-backup.ts';

const contents = 2;

describe.each(databaseKinds)('restoring a backup of %s', (kind) => {
  let room: BackupRoom;
  let backup: Backup;
  beforeAll(async () => {
    room = await openBackupRoom(kind);
    for (let row = 0; row < contents; row++) await room.write(`content ${row}`);
    backup = await room.backUp();
  });
  afterAll(async () => {
    await room.close();
  });

  const copyOf = async (): Promise<string> => await copyBackup(room, backup);

  async function filesOf(path: string): Promise<readonly string[]> {
    const entries = await readdir(dirname(path), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }

  const refusal = async (path: string): Promise<Refusal> => await refusalOf(room, path);

  test.each([
    ['was cut', async (file: string) => await truncate(file, Math.floor((await stat(file)).size / 2))],
    ['was removed', async (file: string) => await rm(file)],
    ['was edited', flipLastByte],
    ['has more at its end', async (file: string) => await appendFile(file, ' x')],
  ])('it is refused where a file %s, naming the file, and leaves nothing', async (_what, spoil) => {
    const whole = await copyOf();
    const names = (await filesOf(whole)).map((file) => relative(dirname(whole), file));
    expect(names).toHaveLength(2 + contents);
    for (const name of names) {
      const path = await copyOf();
      const file = join(dirname(path), name);
      await spoil(file);
      const { code, place } = await refusal(path);
      const isGone = await stat(file).then(
        () => false,
        () => true,
      );
      expect([name, code]).toEqual([
        name,
        isGone && basename(file) === 'manifest.json' ? 'backup_unfinished' : 'backup_damaged',
      ]);
      expect(place).toBe(file);
      expect((await readdir(room.folder)).filter((entry) => entry.startsWith('place-'))).toEqual([]);
      await rm(dirname(path), { recursive: true });
    }
  });

  test('it is refused into a place that is not empty, and into one that another backup lies in', async () => {
    const dataDir = join(room.folder, 'taken');
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'notes.txt'), 'mine');
    await expect(restoreInto(dataDir)).rejects.toMatchObject(
      kind === 'sqlite' ? { code: 'restore_not_empty', place: '--data-dir' } : { code: 'invalid_configuration' },
    );
    expect(await readFile(join(dataDir, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('it is refused where there is no backup', async () => {
    expect((await refusal(join(room.folder, 'nowhere'))).code).toBe('backup_not_found');
  });

  test('it is refused where its manifest is of a later format', async () => {
    const path = await copyOf();
    await reseal(path, (manifest) => ({ ...manifest, format: 2 as 1 }));
    expect((await refusal(path)).code).toBe('backup_newer');
  });

  test('it gives the same rows, entries and content, and an order for the ledger', async () => {
    const restored = await room.restore(await copyOf());
    try {
      const [now, then] = [await stateOf(room), await stateOf(restored)];
      expect(then.teams).toEqual(now.teams);
      expect(then.bodies).toEqual(now.bodies.slice(0, backup.ledger.size));
      expect(restored.report).toMatchObject({ backup: backup.name, migrated: [], objects: { count: contents } });
      const order = JSON.parse(await readFile(join(restored.dataDir, 'ledger', 'restored.json'), 'utf8')) as object;
      expect(order).toMatchObject({ backup: backup.name });
    } finally {
      await restored.close();
    }
  });

  async function restoreInto(dataDir: string): Promise<unknown> {
    return await restoreBackup({
      backup: backup.path,
      dataDir,
      databaseUrl: undefined,
      environment: {},
      clock: { now: Date.now, after: () => () => {} },
      newId: () => 'id',
      signal: new AbortController().signal,
      onProgress: () => {},
    });
  }
});

test('an edit of a SQLite file is found although its digest was made to fit', async () => {
  const room = await openBackupRoom('sqlite');
  try {
    await room.write('a team');
    await room.write('another one');
    const backup = await room.backUp();
    const edits = [
      ['the rows', 'delete from team where name = (select min(name) from team)'],
      [
        'the ledger',
        "drop trigger ledger_entry_keeps_updates_out; update ledger_entry set body = replace(body, 'alice', 'mallory') where seq = 1",
      ],
      ['the content', 'update object set size = size + 1 where digest = (select min(digest) from object)'],
      [
        'references',
        "pragma foreign_keys = off; insert into membership values ('nobody', 'nowhere', 'admin', 'local', 0)",
      ],
    ] as const;
    for (const [what, edit] of edits) {
      const path = await copyBackup(room, backup);
      const file = join(path, 'muster.db');
      const db = new DatabaseSync(file);
      db.exec(edit);
      db.close();
      const content = await hashFile(file);
      await reseal(path, (manifest) => ({ ...manifest, database: { ...manifest.database, ...content } }));
      const { code, place } = await refusalOf(room, path);
      expect([what, code, place]).toEqual([what, 'backup_damaged', file]);
    }
  } finally {
    await room.close();
  }
});

interface Refusal {
  readonly code: string;
  readonly place: string;
}

async function refusalOf(room: BackupRoom, path: string): Promise<Refusal> {
  return await room.restore(path).then(
    () => {
      throw new Error('it was restored');
    },
    (error: Refusal) => error,
  );
}

/** A copy of all backups that a test may spoil; answers the folder of the backup in it. */
async function copyBackup(room: BackupRoom, backup: Backup): Promise<string> {
  const copy = await mkdtemp(join(room.folder, 'copy-'));
  await cp(dirname(backup.path), copy, { recursive: true });
  return join(copy, backup.name);
}

async function flipLastByte(file: string): Promise<void> {
  const content = await readFile(file);
  const last = content.length - 2;
  content[last] = (content[last] ?? 0) ^ 1;
  await rm(file);
  await writeFile(file, content);
}

async function reseal(path: string, change: (manifest: BackupManifest) => BackupManifest): Promise<void> {
  const file = join(path, 'manifest.json');
  const { sha256: _, ...body } = change(JSON.parse(await readFile(file, 'utf8')) as BackupManifest);
  await writeFile(file, JSON.stringify(sealManifest(body)));
}
