import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BackupRoom, openBackupRoom, stateOf } from '../../test-support/backup-room.ts';
import { databaseKinds } from '../../test-support/database.ts';
import { callerIn } from '../../test-support/registry.ts';

describe.each(databaseKinds)('backups of %s', (kind) => {
  let room: BackupRoom;
  beforeEach(async () => {
    room = await openBackupRoom(kind);
  });
  afterEach(async () => {
    await room.close();
  });

  const manifestOf = async (path: string) =>
    JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8')) as {
      readonly facts: { readonly tables: Readonly<Record<string, number>>; readonly ledger: { readonly size: number } };
    };

  test('what four writers write meanwhile is in it whole or not at all, and what it holds is restored', async () => {
    for (let row = 0; row < 20; row++) await room.write(`before ${row}`);
    const done = new AbortController();
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      let rows = 0;
      for (; !done.signal.aborted || rows < 5; rows++) await room.write(`content ${writer} ${rows}`);
      return rows;
    });
    const backup = await room.backUp();
    done.abort();
    const written = 20 + (await Promise.all(writers)).reduce((sum, rows) => sum + rows, 0);

    const restored = await room.restore(backup.path);
    try {
      const [now, then] = [await stateOf(room), await stateOf(restored)];
      expect(now.teams).toHaveLength(written);
      expect(then.teams.length).toBeGreaterThanOrEqual(20);
      expect(then.teams.length).toBeLessThanOrEqual(written);
      // A prefix of the ledger, entry for entry; and a row for each entry about one, none more.
      expect(then.bodies).toEqual(now.bodies.slice(0, then.bodies.length));
      expect(then.bodies.filter((body) => body.includes('"team.create"'))).toHaveLength(then.teams.length);
      expect(then.bodies).toHaveLength(backup.ledger.size);
      const { facts } = await manifestOf(backup.path);
      expect(restored.report.facts.tables).toEqual(facts.tables);
      expect(facts.tables['team']).toBe(then.teams.length);
      expect(restored.report.objects).toEqual(backup.objects);
    } finally {
      await restored.close();
    }
  });

  test('the second one copies only what is new', async () => {
    await room.write('one');
    const first = await room.backUp();
    const [path] = await contentOf(room);
    if (path === undefined) throw new Error('nothing was copied');
    const copiedAt = await modifiedAt(path);
    await room.write('two');
    const second = await room.backUp();
    expect([first.objects.count, second.objects.count]).toEqual([1, 2]);
    expect(await contentOf(room)).toHaveLength(2);
    expect(await modifiedAt(path)).toBe(copiedAt);
    const { items } = await room.backups.listBackups(room.admin, { limit: 1 });
    expect(items).toEqual([second]);
    expect(await room.backups.listBackups(room.admin, { limit: 10, after: second.name })).toEqual({ items: [first] });
  });

  test('the ledger says who asked for it, and how it ended', async () => {
    const backup = await room.backUp();
    const entries = (await stateOf(room)).bodies.map((body) => JSON.parse(body) as Record<string, unknown>);
    expect(entries).toMatchObject([
      { action: 'installation.backup', outcome: 'allowed', subject: { kind: 'backup', id: backup.name }, team: null },
      { action: 'system.backup-end', outcome: 'allowed', ctx: { size: 1, root: backup.ledger.root } },
    ]);
  });

  test('one is made at a time', async () => {
    await room.write('kept');
    const operation = await room.backups.createBackup(room.admin);
    await expect(room.backups.createBackup(room.admin)).rejects.toMatchObject({ code: 'backup_running' });
    expect((await room.ended(operation)).state).toBe('succeeded');
    expect((await room.ended(await room.backups.createBackup(room.admin))).state).toBe('succeeded');
  });

  test('one that a restart broke off has failed, left nothing behind, and another can be made', async () => {
    await room.write('one');
    const operation = await room.backups.createBackup(room.admin);
    await room.restart();
    expect((await room.operations.get(operation.id)).operation).toMatchObject({
      state: 'failed',
      problem: { code: 'operation_interrupted' },
    });
    expect((await room.backups.listBackups(room.admin, { limit: 10 })).items).toEqual([]);
    await room.backUp();
    expect((await stateOf(room)).bodies.map((body) => (JSON.parse(body) as { action: string }).action)).toEqual([
      'team.create',
      'installation.backup',
      'system.backup-end',
      'installation.backup',
      'system.backup-end',
    ]);
  });

  test('what a crash left of one is no backup, and goes with the next', async () => {
    const left = join(room.folder, 'backups', '2026-01-01T00-00-00-000Z');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'muster.db'), 'half of it');
    expect((await room.backups.listBackups(room.admin, { limit: 10 })).items).toEqual([]);
    const { name } = await room.backUp();
    expect((await readdir(join(room.folder, 'backups'))).filter((entry) => entry !== 'objects')).toEqual([name]);
  });

  test('who may not back up sees none', async () => {
    const member = callerIn({ default: ['operator'] });
    await expect(room.backups.createBackup(member)).rejects.toMatchObject({ code: 'not_allowed' });
    await expect(room.backups.listBackups(member, { limit: 10 })).rejects.toMatchObject({ code: 'not_allowed' });
  });

  test('content that is not what was stored fails it, by name', async () => {
    await room.write('soon to rot');
    const [file] = await filesBelow(join(room.folder, 'data', 'objects'));
    if (file === undefined) throw new Error('nothing was stored');
    await rm(file);
    await writeFile(file, 'soon to rox');
    const { state, problem } = await room.ended(await room.backups.createBackup(room.admin));
    expect([state, problem?.code]).toEqual(['failed', 'object_corrupt']);
    expect(problem?.detail).toContain(file.slice(-64));
    expect(await readdir(join(room.folder, 'backups'))).toEqual(['objects']);
  });
});

async function contentOf(room: BackupRoom): Promise<readonly string[]> {
  return await filesBelow(join(room.folder, 'backups', 'objects'));
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function modifiedAt(path: string): Promise<number> {
  return (await stat(path)).mtimeMs;
}
