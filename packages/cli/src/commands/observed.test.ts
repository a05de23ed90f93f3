import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ObservedTwin, startObservedTwin, twinObserved } from '../../test-support/observed-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;
let twin: ObservedTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startObservedTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(words: readonly string[] | string): Promise<Ended> {
  const given = typeof words === 'string' ? words.split(' ') : words;
  return await home.run(given, { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}
const write = (name: string, text: string): void => writeFileSync(join(home.folder, name), text);

describe('observed', () => {
  test('adds one, and says how to watch it', async () => {
    const { code, stderr } = await muster([
      'observed',
      'add',
      'fraud',
      '--platform',
      'kserve',
      '--model',
      's3://m',
      '--model-version',
      '4',
      '--team',
      'risk',
      '--use-case',
      'stop-fraud',
    ]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('fraud is listed; kserve serves it')]);
    expect(stderr).toContain('observed set fraud --probe');
    expect(twin.seen).toMatchObject([
      { name: 'fraud', platform: 'kserve', model: 's3://m', version: '4', team: 'risk', useCase: 'stop-fraud' },
    ]);
  });

  test('needs to know what serves it', async () => {
    expect(await muster('observed add fraud')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--platform') as unknown,
    });
  });

  test('lists them, and how they are', async () => {
    const probe = {
      url: 'https://a.example.org/',
      ok: false,
      at: '2026-11-30T10:00:00.000Z',
      status: 503,
      ms: 4,
      problem: 'it answered 503',
    };
    twin.observed.push(
      twinObserved({ probe, model: 's3://m' }),
      twinObserved({ name: 'churn', platform: 'sagemaker' }),
    );
    const { stdout } = await muster('observed list');
    expect(stdout).toMatch(/^NAME +TEAM +PLATFORM +MODEL +VERSION +PROBE +LOOKED$/m);
    expect(stdout).toMatch(/^fraud +risk +kserve +s3:\/\/m +- +failing +2026-11-30T/m);
    expect(stdout).toMatch(/^churn +risk +sagemaker +- +- +- +-$/m);
    expect((await muster('observed list -o name')).stdout).toBe('fraud\nchurn\n');
  });

  test('shows one with what the last look found, and offers the name that was meant', async () => {
    const probe = {
      url: 'https://a.example.org/',
      ok: false,
      at: '2026-11-30T10:00:00.000Z',
      status: 503,
      ms: 4,
      problem: 'it answered 503',
    };
    const observation = {
      from: '2026-11-30T09:00:00Z',
      until: '2026-11-30T10:00:00Z',
      requests: 1200,
      errors: 6,
      p95Ms: 12.5,
    };
    twin.observed.push(twinObserved({ probe, observation }));
    const { stdout } = await muster('observed show fraud');
    expect(stdout).toMatch(/^state +failing, 2026-\S+: it answered 503$/m);
    expect(stdout).toMatch(/^reported +1,200 requests, 0.5 % errors, .*p95 13 ms$/m);
    expect(stdout).toMatch(/^owner +ana$/m);
    expect(stdout).toMatch(/^use case +none: nobody said why it exists$/m);
    expect(await muster('observed show fraudd')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('fraud exists') as unknown,
    });
  });

  test('changes what is given; none takes away', async () => {
    twin.observed.push(twinObserved({ version: '3' }));
    expect((await muster('observed set fraud --probe https://a.example.org/ --model-version none')).code).toBe(0);
    expect(twin.seen).toEqual([{ probe: 'https://a.example.org/', version: null }]);
    expect(await muster('observed set fraud')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--probe') as unknown,
    });
  });

  test('reports, and says where a newer report is there already', async () => {
    twin.observed.push(twinObserved());
    const line = (until: string) =>
      `observed report fraud --requests 1000 --errors 5 --from 2026-11-30T09:00:00Z --until ${until} --p95 12.5`;
    expect((await muster(line('2026-11-30T10:00:00Z'))).stderr).toContain('fraud: 1,000 requests, 0.5 % errors');
    expect(twin.seen).toMatchObject([{ requests: 1000, errors: 5, p95Ms: 12.5, until: '2026-11-30T10:00:00.000Z' }]);
    expect((await muster(line('2026-11-30T09:30:00Z'))).stderr).toContain('A newer report of fraud is there already');
  });

  test.each([
    ['observed report f --requests 1 --errors 2 --from 2h --until 1h', 'more errors than requests'],
    ['observed report f --requests 1 --errors 0 --from 1h --until 2h', 'ends before it begins'],
    ['observed report f --requests x --errors 0 --from 2h --until 1h', 'no whole number'],
    ['observed report f --requests 1 --errors 0 --from 2h --until 1h --p95 fast', 'no number of milliseconds'],
  ])('muster %s is refused before anything is sent', async (line, message) => {
    expect(await muster(line)).toMatchObject({ code: 64, stderr: expect.stringContaining(message) as unknown });
    expect(twin.seen).toEqual([]);
  });
});

describe('import', () => {
  test('of a table says what became of each row, and fails where one was refused', async () => {
    write('fleet.csv', 'name,platform,team\nfraud,kserve,risk\nchurn,seldon,\nother,x,risk\n');
    twin.observed.push(twinObserved({ name: 'churn' }));
    twin.refused.set('other', 'team_not_found');
    const { stdout, stderr, code } = await muster('import csv fleet.csv --team search');
    expect(stdout).toMatch(/^NAME +RESULT +WHY$/m);
    expect(stdout).toMatch(/^fraud +added +-$/m);
    expect(stdout).toMatch(/^churn +unchanged +-$/m);
    expect(stdout).toMatch(/^other +refused +other is refused\. /m);
    expect(stderr).toContain('1 added, 1 unchanged, 1 refused.');
    expect(code).toBe(1);
    expect(twin.seen).toMatchObject([
      { source: 'csv', dryRun: false, items: [{ team: 'risk' }, { team: 'search' }, { team: 'risk' }] },
    ]);
  });

  test('as a dry run changes nothing, and says so; --json says it for programs', async () => {
    write('fleet.csv', 'name,platform\nfraud,kserve\n');
    const { stderr, code } = await muster('import csv fleet.csv --dry-run');
    expect([stderr, code]).toEqual([expect.stringContaining('1 added; nothing was changed'), 0]);
    expect(twin.observed).toEqual([]);
    expect(JSON.parse((await muster('import csv fleet.csv --json')).stdout)).toEqual({
      items: [{ name: 'fraud', result: 'added', problem: null, place: 'fleet.csv:2' }],
      skipped: [],
      others: 0,
      dryRun: false,
    });
  });

  test('goes in parts of a thousand, and by size', async () => {
    const rows = Array.from({ length: 1500 }, (_, at) => `e${at},x,`).join('\n');
    write('many.csv', `name,platform,description\n${rows}\n`);
    expect((await muster('import csv many.csv')).stderr).toContain('1500 added.');
    const lengths = () => twin.seen.map((body) => (body as { readonly items: readonly unknown[] }).items.length);
    expect(lengths()).toEqual([1000, 500]);
    const long = 'd'.repeat(9_000);
    const big = Array.from({ length: 600 }, (_, at) => `e${at},x,${long}`).join('\n');
    write('big.csv', `name,platform,description\n${big}\n`);
    expect((await muster('import csv big.csv')).code).toBe(0);
    expect(lengths()).toHaveLength(4);
  });

  test('of a table that does not fit sends nothing', async () => {
    write('fleet.csv', 'name,plattform\nfraud,kserve\n');
    expect(await muster('import csv fleet.csv')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Write `platform`') as unknown,
    });
    expect(await muster('import csv none.csv')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("can't be read: ENOENT") as unknown,
    });
    write('binary.csv', '');
    writeFileSync(join(home.folder, 'binary.csv'), Buffer.from([0xff, 0xfe, 0x00]));
    expect((await muster('import csv binary.csv')).stderr).toContain('is no UTF-8');
    writeFileSync(join(home.folder, 'huge.csv'), Buffer.alloc(10 * 1024 * 1024 + 1, 'a'));
    expect((await muster('import csv huge.csv')).stderr).toContain('larger than 10 MB');
    expect(twin.seen).toEqual([]);
  });

  test('of manifests reads folders through, follows no link, and says what it left out', async () => {
    mkdirSync(join(home.folder, 'deploy/prod'), { recursive: true });
    const service = (name: string): string =>
      `apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: ${name}}\nspec: {predictor: {onnx: {storageUri: "s3://m/${name}"}}}\n`;
    write('deploy/prod/a.yaml', service('a'));
    write('deploy/b.yml', `${service('b')}---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n`);
    write(
      'deploy/c.yaml',
      'apiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntime\nmetadata: {name: mlserver}\n',
    );
    write('deploy/README.md', 'not: [yaml');
    write('outside.yaml', service('outside'));
    symlinkSync(join(home.folder, 'outside.yaml'), join(home.folder, 'deploy/link.yaml'));
    const { stdout, stderr, code } = await muster('import manifests deploy --team risk');
    expect(stdout.split('\n').slice(1, 3)).toEqual([
      expect.stringMatching(/^b +added/),
      expect.stringMatching(/^a +added/),
    ]);
    expect(stderr).toContain('left out ServingRuntime mlserver, deploy/c.yaml:1: it is how models run');
    expect(stderr).toContain('1 other manifest was not looked at');
    expect(code).toBe(0);
    expect(twin.seen).toMatchObject([{ source: 'manifest', items: [{ name: 'b', team: 'risk' }, { name: 'a' }] }]);
    expect(await muster('import manifests nowhere')).toMatchObject({ code: 64 });
  });

  describe('of an MLflow server', () => {
    let mlflow: Server;
    let url: string;
    const asked: { readonly url: string | undefined; readonly authorization: string | undefined }[] = [];
    beforeEach(async () => {
      asked.length = 0;
      mlflow = createServer((request, response) => {
        asked.push({ url: request.url, authorization: request.headers.authorization });
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({
            registered_models: [
              { name: 'Card Fraud', description: 'finds it', aliases: [{ alias: 'champion', version: '7' }] },
              { name: 'churn', aliases: [{ alias: 'challenger', version: '2' }] },
              { name: '漢字', aliases: [{ alias: 'champion', version: '1' }] },
            ],
          }),
        );
      });
      await new Promise<void>((resolve) => void mlflow.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(mlflow.address() as AddressInfo).port}`;
    });
    afterEach(async () => {
      mlflow.closeAllConnections();
      await new Promise((resolve) => void mlflow.close(resolve));
    });

    test('lists each model with the alias, asked with the credentials of MLflow, which Muster never gets', async () => {
      const ended = await home.run(['import', 'mlflow', url, '--team', 'risk'], {
        env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token, MLFLOW_TRACKING_TOKEN: 'of-mlflow' },
      });
      expect(ended.code).toBe(0);
      expect(ended.stdout).toMatch(/^card-fraud +added +-$/m);
      expect(ended.stderr).toContain('left out 漢字');
      expect(asked).toMatchObject([{ authorization: 'Bearer of-mlflow' }]);
      expect(twin.seen).toEqual([
        {
          source: 'mlflow',
          dryRun: false,
          items: [
            {
              name: 'card-fraud',
              team: 'risk',
              platform: 'mlflow',
              location: url,
              description: 'finds it',
              model: 'Card Fraud',
              version: '7',
              tags: { alias: 'champion' },
            },
          ],
        },
      ]);
      expect(JSON.stringify(twin.seen)).not.toContain('of-mlflow');
    });

    test('takes another alias, and refuses what is no address', async () => {
      expect((await muster(['import', 'mlflow', url, '--alias', 'challenger'])).stdout).toMatch(/^churn +added/m);
      expect(await muster('import mlflow localhost')).toMatchObject({ code: 64 });
    });
  });
});
