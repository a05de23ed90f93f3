import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresqlServer, startPostgresql } from '../packages/server/test-support/postgresql-server.ts';
import { handOver } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

let postgresql: PostgresqlServer;
let place: Place;
let muster: RunningMuster;
let environment: Record<string, string>;
beforeAll(async () => {
  postgresql = await startPostgresql();
  await postgresql.execute('create database muster');
  environment = { MUSTER_DATABASE_URL: postgresql.url('muster') };
  place = await makePlace();
  muster = await startMuster(place, { environment });
});
afterAll(async () => {
  await muster?.stop();
  await removePlace(place);
  await postgresql?.stop();
});

it('the same program keeps its state in PostgreSQL: hand over, predict, restart, predict', async () => {
  const folder = join(root, 'examples/breast-cancer');
  await handOver(muster.client, 'tumour', join(folder, 'model-v2.onnx'));
  const csv = await readFile(join(folder, 'sample.csv'), 'utf8');
  const predict = async (): Promise<Response> =>
    await muster.client.request('/predict/tumour', {
      method: 'POST',
      body: csv,
      headers: { 'content-type': 'text/csv' },
    });
  const first = await predict();
  expect(first.status).toBe(200);
  const answer = await first.text();
  expect(await muster.client.call('status')).toMatchObject({
    database: { kind: 'postgresql', ok: true },
    counts: { endpoints: 1, models: 1 },
  });

  await muster.stop();
  muster = await startMuster(place, { environment });
  await until('the endpoint answers after a restart', 20_000, async () => (await predict()).status === 200);
  expect(await (await predict()).text()).toBe(answer);
});
