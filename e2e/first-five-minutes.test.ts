import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const launcher = fileURLToPath(new URL('../packages/cli/bin/muster.js', import.meta.url));
const example = fileURLToPath(new URL('../examples/breast-cancer/', import.meta.url));

const firstVersion = join(example, 'model-v1.onnx');
const sample = join(example, 'sample.csv');

/** A newcomer: an empty home, an empty folder, nothing configured. */
const home = mkdtempSync(join(tmpdir(), 'muster-newcomer-'));
let muster: ReturnType<typeof start>;
let url: string;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  command = [process.execPath, launcher],
) {
  const [program = '', ...before] = command;
  const child: ChildProcess = spawn(program, [...before, ...words], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', XDG_CONFIG_HOME: join(home, 'config'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended: Promise<Ended> = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output, ended };
}

async function run(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
  return await start(words, env).ended;
}

/** Waits until the program has said this; its end before is an error with all that it said. */
async function said({ child, output, ended }: ReturnType<typeof start>, text: string): Promise<void> {
  const heard = new Promise<void>((resolve) => {
    const listen = (): void => {
      if (output.stderr.includes(text)) resolve();
    };
    child.stderr?.on('data', listen);
    listen();
  });
  const over = ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${code} and said: ${stderr}`);
  });
  await Promise.race([heard, over]);
}

/** Runs what has to work; anything else is an error with all that was said. */
async function runs(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(words);
  if (code === 0) return stdout;
  throw new Error(`muster ${words.join(' ')} ended with ${code}: ${stderr}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => void server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

beforeAll(async () => {
  const port = await freePort();
  url = `http://localhost:${port}`;
  muster = start(['up', '--port', String(port)]);
  await said(muster, `Muster on ${url}`);
});

afterAll(async () => {
  muster.child.kill('SIGTERM');
  await muster.ended;
  rmSync(home, { recursive: true, force: true });
});

test('a newcomer has an answer after three commands: up, deploy, predict', async () => {
  expect(muster.output.stderr).toContain('signed in as');
  expect(await runs('deploy', firstVersion, '--sample', sample)).toBe(`${url}/predict/breast-cancer\n`);
  expect(await runs('predict', 'breast-cancer')).toMatch(/^label +output_label +output_probability\n/);
});

describe('after the first answer', () => {
  test('the rows of a file give what the training library gave', async () => {
    const stdout = await runs('predict', 'breast-cancer', join(example, 'heldout.csv'), '--json');
    const { predictions } = JSON.parse(stdout) as { predictions: { output_label: number }[] };
    const expected = JSON.parse(readFileSync(join(example, 'heldout-expected.json'), 'utf8')) as {
      versions: Record<string, { labels: number[] }>;
    };
    expect(predictions.map(({ output_label: label }) => label)).toEqual(expected.versions['1']?.labels);
  });

  test('the curl line that deploy shows works as it is, and shows no token', async () => {
    const { stderr } = await run(['deploy', 'breast-cancer:1', '--name', 'copied']);
    const line =
      stderr
        .split('\n')
        .find((one) => one.includes('curl -s'))
        ?.trim() ?? '';
    expect(line).not.toContain(tokenOf(url));
    // Nothing is installed here: what the line calls `muster` or `npx muster` is the launcher.
    const launch = `"${process.execPath}" "${launcher}" "$@"`;
    const script = `npx() { shift; ${launch}; }\nmuster() { ${launch}; }\n${line}`;
    const { stdout } = await start([], {}, ['sh', '-c', script]).ended;
    expect(JSON.parse(stdout)).toMatchObject({
      endpoint: 'copied',
      predictions: [{ output_label: expect.any(Number) as unknown }],
    });
  });

  test('a version that would break callers is refused, with the differences', async () => {
    await runs('deploy', firstVersion, '--name', 'kept', '--sample', sample);
    const { code, stderr } = await run([
      'deploy',
      firstVersion,
      '--name',
      'kept',
      '--model',
      'nameless',
      '--canary',
      '10%',
    ]);
    expect(stderr).toContain('The version would break the callers of this endpoint');
    expect(code).toBe(7);
  });

  test('a canary is deployed, promoted and rolled back by name alone', async () => {
    await runs('deploy', firstVersion, '--name', 'staged', '--sample', sample);
    await runs('deploy', firstVersion, '--name', 'staged', '--model', 'other', '--sample', sample, '--canary', '10%');
    expect(await runs('endpoint', 'list')).toContain('staged:1, other:1 (canary 10 %)');
    await runs('promote', 'staged');
    expect(await runs('endpoint', 'show', 'staged')).toMatch(/live +other:1/);
    await runs('rollback', 'staged');
    expect(await runs('endpoint', 'show', 'staged')).toMatch(/live +staged:1/);
    expect(await runs('endpoint', 'logs', 'staged')).toContain('promoting other:1');
    await runs('endpoint', 'delete', 'staged', '--yes');
    await expect.poll(async () => (await run(['predict', 'staged'])).code, { timeout: 20_000 }).toBe(6);
  });

  test('the file of a version comes back as it was', async () => {
    await runs('model', 'pull', 'breast-cancer:1', 'back.onnx');
    expect(readFileSync(join(home, 'back.onnx')).equals(readFileSync(firstVersion))).toBe(true);
  });

  test('status and doctor find everything well', async () => {
    expect(await runs('status')).toMatch(/breast-cancer +ready +breast-cancer:1/);
    expect(await runs('doctor')).toContain('✓ server');
  });

  test('the token is readable by its owner alone', () => {
    expect(statSync(join(home, 'config', 'muster', 'config.json')).mode & 0o777).toBe(0o600);
  });
});

describe('where newcomers stumble', () => {
  test('a taken port is exit code 7, and says what to do', async () => {
    const { code, stderr } = await run(['up', '--port', new URL(url).port, '--data-dir', 'other']);
    expect(stderr).toContain('--port');
    expect(code).toBe(7);
  });

  test('a data directory that is in use is exit code 7', async () => {
    const { code, stderr } = await run(['up', '--port', '0']);
    expect(stderr).toContain('--data-dir');
    expect(code).toBe(7);
  });

  test('a mistyped setting of the server is exit code 64, with the one that was meant', async () => {
    const { code, stderr } = await run(['up', '--prot', '7070', '--data-dir', 'other']);
    expect(stderr).toContain('--port');
    expect(code).toBe(64);
  });

  test.each([
    ['no token', 4, ['status'], { XDG_CONFIG_HOME: '/nonexistent', USE_SERVER: '1' }],
    ['a wrong token', 4, ['status'], { MUSTER_TOKEN: 'wrong' }],
    ['an unknown endpoint', 6, ['predict', 'fraud'], {}],
    ['a wrong flag', 64, ['predict', 'breast-cancer', '--row', '{}'], {}],
    ['nobody at that address', 9, ['status', '--server', 'http://localhost:2'], {}],
  ])('%s is exit code %i', async (_what, expected, words, { USE_SERVER, ...env }: Record<string, string>) => {
    const { code, stdout, stderr } = await run([...words, ...(USE_SERVER === undefined ? [] : ['--server', url])], env);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain('→');
    expect(stdout).toBe('');
    expect(code).toBe(expected);
  });

  test('a file that is no model ends with what is wrong with it', async () => {
    writeFileSync(join(home, 'notes.onnx'), 'these are my notes, not a model');
    const { code, stderr } = await run(['deploy', 'notes.onnx']);
    expect(stderr).toContain('not a model');
    expect(code).toBe(1);
  });

  test('a row with a missing field names it', async () => {
    const { code, stderr } = await run(['predict', 'breast-cancer', '--rows', '{"mean radius": 1}']);
    expect(stderr).toContain('mean texture');
    expect(code).toBe(1);
  });
});

function tokenOf(server: string): string {
  const config = JSON.parse(readFileSync(join(home, 'config', 'muster', 'config.json'), 'utf8')) as {
    tokens: Record<string, string>;
  };
  return config.tokens[server] ?? 'none';
}
