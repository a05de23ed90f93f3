import { appendFile, cp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresqlServer, startPostgresql } from '../packages/server/test-support/postgresql-server.ts';
import { cli } from './support/command-line.ts';
import { handOver, succeeded } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

const example = join(root, 'examples/breast-cancer');
const endpoint = 'tumour';
/** A drill starts a whole server besides. */
const drillLimitMs = 600_000;

interface Drill {
  readonly ok: boolean;
  readonly checks: readonly { readonly what: string; readonly ok: boolean; readonly found: string }[];
}

async function predict(muster: RunningMuster): Promise<string> {
  const response = await muster.client.request(`/predict/${endpoint}`, {
    method: 'POST',
    body: await readFile(join(example, 'sample.csv'), 'utf8'),
    headers: { 'content-type': 'text/csv' },
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return await response.text();
}

/** What the ledger says, whoever may read it: an admin is no auditor. */
function entriesOf({ dataDir }: Place): readonly { readonly action: string; readonly outcome: string }[] {
  const database = new DatabaseSync(join(dataDir, 'muster.db'), { readOnly: true });
  try {
    const rows = database.prepare('select body from ledger_entry order by seq').all();
    return rows.map(({ body }) => JSON.parse(String(body)) as { readonly action: string; readonly outcome: string });
  } finally {
    database.close();
  }
}

async function leftovers(): Promise<readonly string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('muster-drill-'));
}

describe('a backup of an installation', () => {
  let place: Place;
  let muster: RunningMuster;
  let backup: string;
  let answer: string;
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    await handOver(muster.client, endpoint, join(example, 'model-v2.onnx'));
    answer = await predict(muster);
    backup = (await cli(muster, ['backup', 'create'])).trim();
  });
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  it('is listed', async () => {
    expect(dirname(backup)).toBe(join(place.dataDir, 'backups'));
    expect((await cli(muster, ['backup', 'list', '-o', 'name'])).trim()).toBe(basename(backup));
    const { items } = JSON.parse(await cli(muster, ['backup', 'list', '--json'])) as {
      readonly items: readonly object[];
    };
    expect(items).toMatchObject([{ name: basename(backup), path: backup, database: 'sqlite' }]);
  });

  it(
    'passes a drill, which leaves nothing behind',
    async () => {
      const before = await leftovers();
      const { ok, checks } = JSON.parse(await cli(muster, ['backup', 'verify', basename(backup), '--json'])) as Drill;
      expect(checks.map((check) => [check.what, check.ok])).toEqual([
        ['manifest', true],
        ['database', true],
        ['files', true],
        ['ledger', true],
        ['upgrade', true],
        ['server', true],
        ['models', true],
        ['endpoints', true],
        ['prediction (onnx)', true],
      ]);
      expect(ok).toBe(true);
      expect(await leftovers()).toEqual(before);
    },
    drillLimitMs,
  );

  it('does not pass once it was spoilt, and the file is named', async () => {
    const copy = join(place.folder, 'spoilt');
    await cp(dirname(backup), copy, { recursive: true });
    const file = join(copy, basename(backup), 'muster.db');
    await appendFile(file, 'x');
    await expect(cli(muster, ['backup', 'verify', join(copy, basename(backup))])).rejects.toThrow(file);
    await expect(
      cli(muster, ['restore', join(copy, basename(backup)), '--data-dir', join(place.folder, 'never')]),
    ).rejects.toThrow(file);
    expect(await readdir(place.folder)).not.toContain('never');
  });

  it('is not restored over anything', async () => {
    await expect(cli(muster, ['restore', backup, '--data-dir', place.dataDir])).rejects.toThrow(/not empty/);
  });

  it('restored elsewhere, answers alike, and its ledger says so and is whole', async () => {
    const elsewhere = await makePlace();
    let restored: RunningMuster | undefined;
    try {
      await cli(muster, ['restore', backup, '--data-dir', elsewhere.dataDir]);
      const running = await startMuster(elsewhere);
      restored = running;
      await until('it answers', 30_000, async () => (await predict(running).catch(() => '')) === answer);
      const report = await succeeded(running.client, await running.client.call('auditVerify', { body: {} }));
      expect(report['firstBad']).toBe(null);
      // The backup itself was running when the snapshot was taken: it ended well, and not again at the next start.
      const entries = entriesOf(elsewhere);
      const restores = entries.filter(({ action }) => action === 'system.restored');
      expect(restores).toEqual([expect.objectContaining({ outcome: 'allowed' })]);
      expect(entries.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      await succeeded(running.client, await running.client.call('backupCreate'));
    } finally {
      await restored?.stop();
      await removePlace(elsewhere);
    }
  });
});

describe('a backup of an installation on PostgreSQL', () => {
  let postgresql: PostgresqlServer;
  let place: Place;
  let muster: RunningMuster;
  beforeAll(async () => {
    postgresql = await startPostgresql();
    for (const name of ['muster', 'drill', 'restored']) await postgresql.execute(`create database ${name}`);
    place = await makePlace();
    muster = await startMuster(place, { environment: { MUSTER_DATABASE_URL: postgresql.url('muster') } });
  });
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
    await postgresql?.stop();
  });

  it(
    'passes a drill, is restored into an empty database, and answers alike with the old token',
    async () => {
      await handOver(muster.client, endpoint, join(example, 'model-v2.onnx'));
      const answer = await predict(muster);
      const backup = (await cli(muster, ['backup', 'create'])).trim();
      const drill = await cli(muster, ['backup', 'verify', backup, '--json'], {
        MUSTER_DATABASE_URL: postgresql.url('drill'),
      });
      expect(JSON.parse(drill)).toMatchObject({ ok: true });

      const dataDir = join(place.folder, 'restored');
      await expect(cli(muster, ['restore', backup, '--data-dir', dataDir])).rejects.toThrow(/MUSTER_DATABASE_URL/);
      await expect(
        cli(muster, ['restore', backup, '--data-dir', dataDir], { MUSTER_DATABASE_URL: postgresql.url('muster') }),
      ).rejects.toThrow(/not empty/);
      await cli(muster, ['restore', backup, '--data-dir', dataDir], {
        MUSTER_DATABASE_URL: postgresql.url('restored'),
      });
      await muster.stop();
      muster = await startMuster(
        { ...place, dataDir },
        { environment: { MUSTER_DATABASE_URL: postgresql.url('restored') } },
      );
      await until('it answers', 30_000, async () => (await predict(muster).catch(() => '')) === answer);
    },
    drillLimitMs,
  );
});
