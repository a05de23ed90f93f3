import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackDataFolder } from './support/data-folder.ts';
import { fixtureToken } from './support/fixture-token.ts';
import { deploy, succeeded } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

const endpoint = 'breast-cancer';
const example = join(root, 'examples/breast-cancer');

interface Expected {
  readonly tolerance: number;
  readonly versions: Readonly<Record<string, { readonly probabilities: readonly (readonly number[])[] }>>;
}

interface Answer {
  readonly version: string;
  readonly predictions: readonly { readonly output_probability: Readonly<Record<string, number>> }[];
}

interface Entry {
  readonly seq: number;
  readonly body: string;
  readonly leaf: Uint8Array;
}

function ledgerOf(file: string): readonly Entry[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare('select seq, body, leaf from ledger_entry order by seq').all() as unknown as Entry[];
  } finally {
    database.close();
  }
}

describe("today's Muster on the data folder of an old release", () => {
  let place: Place;
  let muster: RunningMuster;
  let before: readonly Entry[];
  beforeAll(async () => {
    place = await makePlace();
    await unpackDataFolder(place, '0005');
    before = ledgerOf(join(place.dataDir, 'muster.db'));
    muster = await startMuster(place);
    await until('the endpoint is ready', 30_000, async () => {
      const { ready } = await muster.client.call('endpointGet', { params: { endpoint } });
      return ready;
    });
  });
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  it('lets the old token in, as the admin that its owner was', async () => {
    expect(muster.token).toBe(fixtureToken());
    expect(await muster.client.call('whoami')).toMatchObject({
      kind: 'person',
      name: 'admin',
      platformRoles: ['auditor', 'admin'],
    });
  });

  it('answers as the old one did, with both versions', async () => {
    const expected = JSON.parse(await readFile(join(example, 'heldout-expected.json'), 'utf8')) as Expected;
    const rows = await readFile(join(example, 'heldout.csv'), 'utf8');
    const versions = new Set<string>();
    await until('both versions answer', 60_000, async () => {
      const response = await muster.client.request(`/predict/${endpoint}`, {
        method: 'POST',
        body: rows,
        headers: { 'content-type': 'text/csv' },
      });
      expect(response.status).toBe(200);
      const { version, predictions } = (await response.json()) as Answer;
      const known = expected.versions[version]?.probabilities ?? [];
      expect(predictions).toHaveLength(known.length);
      const worst = predictions.map(({ output_probability }, row) =>
        Math.abs((output_probability['benign'] ?? Number.NaN) - (known[row]?.[1] ?? Number.NaN)),
      );
      expect(Math.max(...worst)).toBeLessThanOrEqual(expected.tolerance);
      versions.add(version);
      return versions.size === 2;
    });
  });

  it('has its versions, its alias, its deployments and its score', async () => {
    const { client } = muster;
    const model = await client.call('modelGet', { params: { model: endpoint } });
    expect(model).toMatchObject({ latestVersion: 2, aliases: { champion: 1 }, team: 'default' });
    const { items } = await client.call('versionList', { params: { model: endpoint } });
    expect(items.map(({ number }) => number)).toEqual([2, 1]);
    const { deployments } = await client.call('endpointGet', { params: { endpoint } });
    expect(deployments).toMatchObject([
      { role: 'live', version: 1, sharePercent: 90 },
      { role: 'canary', version: 2, sharePercent: 10 },
    ]);
    const scores = await client.call('scoreList', { params: { endpoint } });
    expect(scores.items).toMatchObject([{ state: 'succeeded', version: 1, progress: { rowsDone: 143 } }]);
    const result = await client.call('scoreResult', { params: { score: scores.items[0]?.id ?? '' } });
    expect((await result.text()).trimEnd().split('\n')).toHaveLength(1 + 143);
  });

  it('goes on with its ledger, entry for entry, and finds it whole', async () => {
    const after = ledgerOf(join(place.dataDir, 'muster.db'));
    expect(before.length).toBeGreaterThanOrEqual(10);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.map(({ seq }) => seq)).toEqual(after.map((_, at) => at));
    for (const { body, leaf } of after)
      expect(Buffer.from(leaf).toString('hex')).toBe(createHash('sha256').update(`\0${body}`).digest('hex'));
    // That the score was read a moment ago is an entry, too.
    await muster.client.call('auditCheckpoint');
    const report = await succeeded(muster.client, await muster.client.call('auditVerify', { body: {} }));
    expect(report).toMatchObject({ outcome: 'ok', firstBad: null });
  });

  it('lets its first admin do everything', async () => {
    const { client } = muster;
    await deploy(client, endpoint, { model: endpoint, version: 2 });
    await client.call('aliasSet', { params: { model: endpoint, alias: 'champion' }, body: { version: 2 } });
    await succeeded(client, await client.call('rollback', { params: { endpoint }, body: {} }));
    await client.call('teamCreate', { body: { name: 'risk' } });
    const service = await client.call('actorCreate', { body: { kind: 'service', name: 'caller', team: 'risk' } });
    expect(service.name).toBe('caller');
    const { items } = await client.call('auditEntryList', { query: { limit: 5 } });
    expect(items.length).toBe(5);
    await succeeded(client, await client.call('backupCreate'));
  });
});

describe('an old Muster on the data folder of a newer one', () => {
  it('refuses to start, with the reason, and changes nothing', async () => {
    const place = await makePlace();
    try {
      await unpackDataFolder(place, '0005');
      const file = join(place.dataDir, 'muster.db');
      const database = new DatabaseSync(file);
      database.exec(`
        insert into schema_migration (name, digest) values ('9999-later', 'x');
        insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01T00:00:00.000Z');
      `);
      database.close();
      await expect(startMuster(place)).rejects.toThrow(/written by a newer Muster: it has the migration 9999-later/);
      const after = new DatabaseSync(file, { readOnly: true });
      const names = after
        .prepare('select name from schema_migration order by name')
        .all()
        .map(({ name }) => name);
      after.close();
      expect(names).toHaveLength(6);
      expect(names.at(-1)).toBe('9999-later');
    } finally {
      await removePlace(place);
    }
  });
});
