import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetEndpoint, ImportResult, Observed } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from './support/command-line.ts';
import { type Place, type RunningMuster, makePlace, removePlace, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

const csv =
  'name,platform,location,version,description\nchurn,sagemaker,eu-west-1,3,who leaves\nscores,triton,gpu-1,,\n';

const manifests = `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: card-fraud, namespace: payments}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "s3://models/card-fraud"}}}
---
apiVersion: v1
kind: Secret
metadata: {name: s3, namespace: payments}
stringData: {key: of-the-store}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: income, namespace: seldon-mesh}
spec: {storageUri: "gs://models/income", requirements: [sklearn]}
`;

describe('what runs elsewhere', () => {
  let place: Place;
  let muster: RunningMuster;
  let folder: string;
  let elsewhere: Server;
  let isWell = true;

  beforeAll(async () => {
    elsewhere = createServer((_request, response) => void response.writeHead(isWell ? 200 : 503).end());
    await new Promise<void>((resolve) => void elsewhere.listen(0, '127.0.0.1', resolve));
    folder = await mkdtemp(join(tmpdir(), 'muster-observed-'));
    place = await makePlace();
    muster = await startMuster(place, {
      flags: ['--observing-allowed-hosts', host(), '--observing-allow-private', '--observing-every-ms', '1000'],
    });
  }, 120_000);
  afterAll(async () => {
    await muster?.stop();
    elsewhere.closeAllConnections();
    elsewhere.close();
    await removePlace(place);
    await rm(folder, { recursive: true, force: true });
  });

  const host = (): string => `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  const json = async <T>(...words: readonly string[]): Promise<T> =>
    JSON.parse(await cli(muster, [...words, '--json'])) as T;
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const results = ({ items }: ImportResult): unknown => items.map(({ name, result }) => [name, result]);

  it('is added by hand, watched, and shown as it is', async () => {
    await cli(muster, ['observed', 'add', 'ranking', '--platform', 'own', '--probe', `http://${host()}/ready`]);
    const probe = async () => (await json<{ observed: Observed }>('observed', 'show', 'ranking')).observed.probe;
    await until('it is seen to be well', 20_000, async () => (await probe())?.ok === true);
    isWell = false;
    await until('it is seen to be down', 20_000, async () => (await probe())?.ok === false);
    expect(await cli(muster, ['observed', 'show', 'ranking'])).toMatch(/^state +failing, .*it answered 503$/m);
    expect(await cli(muster, ['observed', 'list'])).toMatch(/^ranking .* failing /m);
    const other = cli(muster, ['observed', 'add', 'other', '--platform', 'own', '--probe', 'http://169.254.169.254/']);
    await expect(other).rejects.toThrow('169.254.169.254 is not in observing.allowedHosts');
  }, 60_000);

  it('is imported from a table, and nothing changes the second time', async () => {
    const path = await file('fleet.csv', csv);
    const both = (result: string): unknown => [
      ['churn', result],
      ['scores', result],
    ];
    expect(results(await json('import', 'csv', path, '--dry-run'))).toEqual(both('added'));
    expect(results(await json('import', 'csv', path))).toEqual(both('added'));
    const before = (await muster.client.call('auditEntryList', { query: { limit: 1 } })).items[0]?.seq;
    expect(results(await json('import', 'csv', path))).toEqual(both('unchanged'));
    const after = (await muster.client.call('auditEntryList', { query: { limit: 1 } })).items[0]?.seq;
    expect(after).toBe(before);
    expect(results(await json('import', 'csv', await file('fleet.csv', csv.replace(',3,', ',4,'))))).toEqual([
      ['churn', 'updated'],
      ['scores', 'unchanged'],
    ]);
  }, 60_000);

  it('is imported from manifests, without a word of the secrets beside them', async () => {
    const path = await file('manifests.yaml', manifests);
    const told = await cli(muster, ['import', 'manifests', path, '--json']);
    expect(results(JSON.parse(told) as ImportResult)).toEqual([
      ['card-fraud', 'added'],
      ['income', 'added'],
    ]);
    expect(JSON.parse(told)).toMatchObject({ others: 1 });
    expect(told).not.toContain('of-the-store');
  }, 60_000);

  it('is on the page of everything, reported on, and deleted as all endpoints are', async () => {
    const { items } = await json<{ items: FleetEndpoint[] }>('fleet');
    expect(items.map(({ name, kind, standing }) => [name, kind, standing])).toEqual(
      ['card-fraud', 'churn', 'income', 'ranking', 'scores'].map((name) => [name, 'observed', 'observed']),
    );
    const report = ['--requests', '1000', '--errors', '5', '--from', '2h', '--until', '1h', '--p95', '12.5'];
    await cli(muster, ['observed', 'report', 'churn', ...report]);
    expect(await cli(muster, ['observed', 'show', 'churn'])).toMatch(/^reported +1,000 requests, 0.5 % errors/m);
    await cli(muster, ['endpoint', 'delete', 'scores', '--yes']);
    expect((await json<{ items: Observed[] }>('observed', 'list')).items.map(({ name }) => name)).not.toContain(
      'scores',
    );
  }, 60_000);
});
