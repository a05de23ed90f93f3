import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BackupTwin, startBackupTwin, twinBackup } from '../../test-support/backup-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;
let twin: BackupTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startBackupTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(...words: string[]): Promise<Ended> {
  const PATH = process.env['PATH'] ?? '';
  return await home.run(words, { env: { PATH, MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}

describe('backup create', () => {
  test('prints the folder alone on standard output, and what is in it beside', async () => {
    const { code, stdout, stderr } = await muster('backup', 'create');
    expect(code).toBe(0);
    expect(stdout).toBe(`${twinBackup.path}\n`);
    expect(stderr).toContain('sqlite 2.0 KiB, 3 files 3.0 MiB, 41 audit entries');
    expect(stderr).toMatch(/Try it out +.*backup verify \/backup\/2026/);
  });

  test('prints the backup as JSON', async () => {
    expect(JSON.parse((await muster('backup', 'create', '--json')).stdout)).toEqual(twinBackup);
  });

  test('ends with 7 while another is being made', async () => {
    twin.failure = 'backup_running';
    const { code, stderr } = await muster('backup', 'create');
    expect(code).toBe(7);
    expect(stderr).toContain('A backup is being made already');
  });
});

describe('backup list', () => {
  test('shows a backup a line, with its folder where there is room', async () => {
    const { stdout } = await muster('backup', 'list', '-o', 'wide');
    expect(stdout).toMatch(/^BACKUP +MADE +VERSION +DATABASE +FILES +ENTRIES +FOLDER +ROOT\n/);
    expect(stdout).toMatch(/2026-11-30T10-00-00-000Z +2026\S+ +0\.1\.0 +sqlite 2\.0 KiB +3, 3\.0 MiB +41 +\/backup\//);
    expect((await muster('backup', 'list', '-o', 'name')).stdout).toBe(`${twinBackup.name}\n`);
  });

  test('says how to make the first', async () => {
    twin.backups = [];
    expect((await muster('backup', 'list')).stderr).toContain('muster backup create');
  });
});

describe('backup verify', () => {
  test('knows names that the server lists, and says where a folder is that is not here', async () => {
    const { code, stderr } = await muster('backup', 'verify', twinBackup.name);
    expect(code).toBe(6);
    expect(stderr).toContain(`${twinBackup.path} is on the machine of the server`);
    expect((await muster('backup', 'verify', 'nothing')).stderr).toContain('no backup nothing');
  });

  test('takes seconds only', async () => {
    const { code, stderr } = await muster('backup', 'verify', './x', '--wait', 'long');
    expect(code).toBe(64);
    expect(stderr).toContain('--wait');
  });
});

describe('restore', () => {
  test('needs a place', async () => {
    const { code, stderr } = await muster('restore', './x');
    expect(code).toBe(64);
    expect(stderr).toContain('--data-dir');
  });

  test('of what is no finished backup fails by name, and makes no folder', async () => {
    mkdirSync(join(home.folder, 'broken'));
    writeFileSync(join(home.folder, 'broken', 'muster.db'), 'x');
    const { code, stderr } = await muster('restore', './broken', '--data-dir', './new');
    expect(code).toBe(1);
    expect(stderr).toContain('The backup was not finished');
    expect(stderr).toContain(join(home.folder, 'broken', 'manifest.json'));
    expect(readdirSync(home.folder)).not.toContain('new');
  }, 60_000);
});
