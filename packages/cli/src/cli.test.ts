import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Home, createHome } from '../test-support/run-cli.ts';
import { type TwinServer, startTwinServer } from '../test-support/twin-server.ts';

let home: Home;
let twin: TwinServer;

beforeEach(async () => {
  home = createHome();
  twin = await startTwinServer();
  writeFileSync(model(), Buffer.alloc(3000, 7));
  writeFileSync(rows(), 'age,income\n1,2\n3,4\n');
  signIn();
});

afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

function signIn(): void {
  mkdirSync(join(home.folder, '.config', 'muster'), { recursive: true });
  writeFileSync(
    join(home.folder, '.config', 'muster', 'config.json'),
    JSON.stringify({ server: twin.url, tokens: { [twin.url]: twin.token } }),
    { mode: 0o600 },
  );
}

function model(): string {
  return join(home.folder, 'model.onnx');
}

function rows(): string {
  return join(home.folder, 'rows.csv');
}

function routesSeen(): string[] {
  return twin.seen.map(({ route }) => route);
}

describe('deploy', () => {
  test('sends a file in parts, registers and deploys it, and ends with the address and the next command', async () => {
    const { code, stdout, stderr } = await home.run(['deploy', model(), '--name', 'fraud', '--sample', rows()]);
    expect(stderr).toContain('✓ registered fraud:1  2 features, 1 output');
    expect(stderr).toContain('✓ 1 replica ready in');
    expect(stderr).toMatch(/Try it +\S*.*muster(\.js)? predict fraud/);
    expect(stderr).toContain(`curl -s ${twin.url}/predict/fraud -H "Authorization: Bearer $(`);
    expect(stderr).not.toContain(twin.token);
    expect(stdout).toBe(`${twin.url}/predict/fraud\n`);
    expect(code).toBe(0);
    expect(routesSeen().filter((route) => route === 'uploadPart')).toHaveLength(3);
  });

  test('does not send a file again that is the latest version already', async () => {
    await home.run(['deploy', model(), '--name', 'fraud']);
    const before = twin.seen.length;
    const { code, stderr } = await home.run(['deploy', model(), '--name', 'fraud']);
    expect(stderr).toContain('model.onnx is fraud:1 already');
    expect(code).toBe(0);
    expect(routesSeen().slice(before)).not.toContain('uploadStart');
  });

  test('goes on with an upload that broke off', async () => {
    twin.failNext('uploadComplete', 'internal_error', 'it broke');
    expect((await home.run(['deploy', model(), '--name', 'fraud'])).code).toBe(1);
    const before = twin.seen.length;
    const { code, stderr } = await home.run(['deploy', model(), '--name', 'fraud']);
    expect(stderr).toContain('of it earlier');
    expect(code).toBe(0);
    expect(routesSeen().slice(before)).toContain('uploadGet');
    expect(routesSeen().slice(before)).not.toContain('uploadPart');
  });

  test('keeps the settings of what is live, changed by the flags', async () => {
    await home.run(['deploy', model(), '--name', 'fraud', '--replicas', '2', '--memory', '512Mi']);
    const { stderr } = await home.run([
      'deploy',
      'fraud:1',
      '--name',
      'fraud',
      '--canary',
      '10%',
      '--batch-wait',
      '5ms',
    ]);
    expect(stderr).toContain('keeping 2 replicas, memory 512Mi');
    const request = twin.seen.findLast(({ route }) => route === 'deploy')?.body;
    expect(request).toMatchObject({
      role: 'canary',
      sharePercent: 10,
      settings: { replicas: 2, resources: { memoryBytes: 512 * 2 ** 20 }, batching: { waitMs: 5 } },
    });
  });

  test('says which name it chose', async () => {
    const { stderr, stdout } = await home.run(['deploy', model()]);
    expect(stderr).toMatch(/endpoint muster-cli-\S+, after the file; --name chooses another/);
    expect(stdout).toMatch(/\/predict\/muster-cli-/);
  });
});

describe('predict', () => {
  beforeEach(async () => {
    await home.run(['deploy', model(), '--name', 'fraud']);
  });

  test('without rows makes one from the signature and shows the prediction', async () => {
    const { code, stdout, stderr } = await home.run(['predict', 'fraud']);
    expect(stdout.split('\n')[0]).toMatch(/^label +probabilities$/);
    expect(stdout).toContain('[0.123457, 0.9]');
    expect(stderr).toContain('fraud:1');
    expect(code).toBe(0);
  });

  test('sends a CSV file, rows as an argument, and standard input', async () => {
    const fromCsv = await home.run(['predict', 'fraud', rows(), '--json']);
    expect((JSON.parse(fromCsv.stdout) as { predictions: unknown[] }).predictions).toHaveLength(2);
    const fromRows = await home.run([
      'predict',
      'fraud',
      '--rows',
      '{"age": 1, "income": 12345678901234567890}',
      '--json',
    ]);
    expect((JSON.parse(fromRows.stdout) as { predictions: unknown[] }).predictions).toHaveLength(1);
    expect(twin.seen.at(-1)?.body).toContain('12345678901234567890');
    const fromStdin = await home.run(['predict', 'fraud', '-', '--json'], { stdin: '[{"age":1},{"age":2},{"age":3}]' });
    expect((JSON.parse(fromStdin.stdout) as { predictions: unknown[] }).predictions).toHaveLength(3);
  });
});

describe('errors', () => {
  test('an unknown endpoint is exit code 6, with the name that was meant', async () => {
    await home.run(['deploy', model(), '--name', 'fraud']);
    const { code, stdout, stderr } = await home.run(['endpoint', 'show', 'frau']);
    expect(stderr).toContain('→ fraud exists: check the name.');
    expect(stderr).toContain('request request-1');
    expect(stdout).toBe('');
    expect(code).toBe(6);
  });

  test('with --json an error is one line of JSON on standard error', async () => {
    const { code, stdout, stderr } = await home.run(['promote', 'nothing', '--json']);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'endpoint_not_found', requestId: 'request-1' });
    expect(stdout).toBe('');
    expect(code).toBe(6);
  });

  test.each([
    ['a token that nobody has', 4, ['status'], { MUSTER_TOKEN: 'wrong' }],
    ['a server that is not there', 9, ['status', '--server', 'http://localhost:2'], {}],
    ['an unknown command', 64, ['deplyo'], {}],
    ['an unknown flag', 64, ['deploy', 'model.onnx', '--nmae', 'x'], {}],
    ['a share without its sign', 64, ['deploy', 'model.onnx', '--canary', '0.1'], {}],
    ['a file that is not there', 64, ['deploy', 'gone.onnx'], {}],
    ['a deletion that nobody confirms', 64, ['endpoint', 'delete', 'fraud'], {}],
  ])('%s is exit code %i', async (_what, expected, words, env) => {
    await home.run(['deploy', model(), '--name', 'fraud']);
    const { code, stdout, stderr } = await home.run(words, { env });
    expect(stderr).toMatch(/^error: /m);
    expect(stderr).toContain('→');
    expect(stdout).toBe('');
    expect(code).toBe(expected);
  });

  test('no token is exit code 4', async () => {
    writeFileSync(join(home.folder, '.config', 'muster', 'config.json'), '{}');
    expect((await home.run(['status', '--server', twin.url])).code).toBe(4);
  });

  test('a forbidden and a taken thing are exit codes 5 and 7', async () => {
    twin.failNext('status', 'not_allowed', 'no');
    expect((await home.run(['status'])).code).toBe(5);
    twin.failNext('status', 'endpoint_exists', 'taken');
    expect((await home.run(['status'])).code).toBe(7);
  });
});

describe('signing in', () => {
  test('login reads the token from standard input, keeps it readable by the user alone, and the other logins stay', async () => {
    const config = join(home.folder, '.config', 'muster', 'config.json');
    writeFileSync(config, JSON.stringify({ server: 'http://other', tokens: { 'http://other': 'x' } }));
    const { code, stderr } = await home.run(['login', '--server', twin.url], { stdin: `${twin.token}\n` });
    expect(stderr).toContain(`signed in to ${twin.url} as ana`);
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({
      server: twin.url,
      tokens: { 'http://other': 'x', [twin.url]: twin.token },
    });
    expect(statSync(config).mode & 0o777).toBe(0o600);
  });

  test('a token that the server refuses is not saved', async () => {
    const config = join(home.folder, '.config', 'muster', 'config.json');
    const before = readFileSync(config, 'utf8');
    expect((await home.run(['login'], { stdin: 'wrong' })).code).toBe(4);
    expect(readFileSync(config, 'utf8')).toBe(before);
  });

  test('token prints the token and nothing else, also where the server is spelled differently', async () => {
    expect(await home.run(['token'])).toEqual({ code: 0, stdout: `${twin.token}\n`, stderr: '' });
    expect((await home.run(['token', '--server', twin.url.replace('localhost', '127.0.0.1')])).stdout).toBe(
      `${twin.token}\n`,
    );
  });

  test('a flag goes before the environment, which goes before the configuration', async () => {
    const gone = 'http://localhost:2';
    expect((await home.run(['whoami'], { env: { MUSTER_SERVER: gone } })).code).toBe(9);
    expect((await home.run(['whoami', '--server', twin.url], { env: { MUSTER_SERVER: gone } })).stdout).toContain(
      'ana, person, in default (admin)',
    );
  });
});

test('lists are tables of whole cells in a pipe, names with -o name, items with --json; escape sequences of others are not passed on', async () => {
  await home.run(['deploy', model(), '--name', 'fraud']);
  expect((await home.run(['endpoint', 'list'])).stdout).toMatch(
    /^NAME +STATE.*\nfraud +ready +fraud:1 .*2026-11-24T12:00:00.000Z\n$/,
  );
  expect((await home.run(['endpoint', 'list', '-o', 'name'])).stdout).toBe('fraud\n');
  expect(JSON.parse((await home.run(['model', 'list', '--json'])).stdout)).toMatchObject({
    items: [{ name: 'fraud' }],
  });
  const logs = await home.run(['endpoint', 'logs', 'fraud'], { env: { FORCE_COLOR: '0' } });
  expect(logs.stdout).toContain('was made red');
  expect(logs.stdout).not.toContain('\u001b');
  expect((await home.run(['status'])).stdout).toContain('1 of 1 endpoint ready, 1 model');
  expect((await home.run(['doctor', '--json'])).code).toBe(0);
});

test('completion offers the names that the server knows', async () => {
  await home.run(['deploy', model(), '--name', 'fraud']);
  // A loaded machine may take longer than a person at the Tab key would wait; then there are no names, and it is asked again.
  await expect
    .poll(async () => (await home.run(['complete', '--', 'endpoint', 'show', 'fr'])).stdout, { timeout: 20_000 })
    .toBe('fraud\n');
  expect((await home.run(['complete', '--', 'endpoint', 'sh'])).stdout).toMatch(/^show\t/);
});
