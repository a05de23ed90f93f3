import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Home, createHome } from '../test-support/run-cli.ts';
import { type TwinServer, startTwinServer } from '../test-support/twin-server.ts';

let home: Home;
let twin: TwinServer;

beforeEach(async () => {
  home = createHome();
  twin = await startTwinServer();
  writeFileSync(join(home.folder, 'model.onnx'), Buffer.alloc(3000, 7));
  writeFileSync(join(home.folder, 'rows.csv'), 'age,income\n1,2\n3,4\n');
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

function routesSeen(): string[] {
  return twin.seen.map(({ route }) => route);
}

test('a file becomes an endpoint, and the endpoint answers, in two commands', async () => {
  const deployed = await home.start(['deploy', 'model.onnx', '--name', 'fraud', '--sample', 'rows.csv']).ended;
  expect(deployed.stderr).toContain('✓ 1 replica ready in');
  expect(deployed.stdout).toBe(`${twin.url}/predict/fraud\n`);
  expect(deployed.code).toBe(0);
  const predicted = await home.start(['predict', 'fraud', 'rows.csv', '--json']).ended;
  expect((JSON.parse(predicted.stdout) as { predictions: unknown[] }).predictions).toHaveLength(2);
  expect(predicted.code).toBe(0);
});

test('a mistyped flag ends with exit code 64 and the flag that was meant', async () => {
  const { code, stdout, stderr } = await home.start(['deploy', 'model.onnx', '--nmae', 'fraud']).ended;
  expect(stderr).toContain('→ Write --name.');
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
});

test('help loads neither schemas nor commands, so that it is there at once', async () => {
  const { code, stdout } = await home.start(['--help'], { env: { NODE_DEBUG: 'none' } }).ended;
  expect(stdout).toContain('muster deploy model.onnx');
  expect(code).toBe(0);
});

test('stops waiting at Ctrl-C, leaves the work to the server and says how to look at it', async () => {
  const held = Promise.withResolvers<void>();
  twin.holdOperations(held.promise);
  const { child, ended } = home.start(['deploy', 'model.onnx', '--name', 'fraud']);
  await expect.poll(() => routesSeen(), { timeout: 20_000 }).toContain('operationWatch');
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  held.resolve();
  expect(stderr).toContain('muster operation show op1');
  expect(code).toBe(130);
});
