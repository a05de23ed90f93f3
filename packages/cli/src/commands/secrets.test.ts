import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';
import { type SecretsTwin, startSecretsTwin } from '../../test-support/secrets-twin.ts';

const value = 'correct-horse-battery';

let home: Home;
let twin: SecretsTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startSecretsTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function secret(words: readonly string[], stdin = ''): Promise<Ended> {
  return await home.run(['secret', ...words], { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token }, stdin });
}

function file(content: string | Uint8Array): string {
  const path = join(home.folder, 'value');
  writeFileSync(path, content);
  return path;
}

describe('secret set', () => {
  test('takes the value from standard input, without the end of its line, and says how to use it', async () => {
    const { code, stdout, stderr } = await secret(['set', 'risk/new'], `${value}\n`);
    expect([code, stdout]).toEqual([0, '']);
    expect(twin.seen).toEqual([{ value }]);
    expect(stderr).toContain('secret://risk/new is at version 1');
    expect(stderr).toContain('deploy MODEL --secret VARIABLE=secret://risk/new');
    expect(stderr).not.toContain(value);
  });

  test.each([
    ['a line as text', 'one line\r\n', { value: 'one line' }],
    ['several lines as they are', 'two\nlines\n', { value: 'two\nlines\n' }],
    ['bytes as base64', Uint8Array.of(0, 255, 10, 10), { base64: 'AP8KCg==' }],
  ])('takes from a file %s', async (_what, content, body) => {
    expect((await secret(['set', 'secret://risk/new', '--from-file', file(content)])).code).toBe(0);
    expect(twin.seen).toEqual([body]);
  });

  test('prints the answer as JSON, which holds no value', async () => {
    const { stdout } = await secret(['set', 'risk/new', '--json'], value);
    expect(JSON.parse(stdout)).toMatchObject({ reference: 'secret://risk/new', version: 1 });
    expect(stdout).not.toContain(value);
  });

  test('says what goes on with the value before', async () => {
    const { stderr } = await secret(['set', 'risk/api-key'], value);
    expect(stderr).toContain('fraud goes on with the value before until the next start');
  });

  test('restarts what uses it, and waits until only new replicas are left', async () => {
    const { code, stderr } = await secret(['set', 'risk/api-key', '--restart'], value);
    expect(code).toBe(0);
    expect(stderr).toContain('fraud runs with it');
    expect(twin.seen).toContain('POST /api/v1/endpoints/fraud/restart');
  });

  test('restarts an endpoint by its own command, too, and shows it as JSON', async () => {
    const { code, stdout, stderr } = await home.run(['endpoint', 'restart', 'fraud', '--json'], {
      env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token },
    });
    expect([code, stderr]).toEqual([0, expect.stringContaining('fraud runs with new replicas')]);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'fraud', ready: true });
    expect(twin.seen).toContain('POST /api/v1/endpoints/fraud/restart');
  });

  test('fails where the new replicas do', async () => {
    twin.afterRestart = 'failed';
    const { code, stderr } = await secret(['set', 'risk/api-key', '--restart'], value);
    expect(code).toBe(1);
    expect(stderr).toContain('it cannot sign in');
    expect(stderr).toContain('fraud goes on with its old replicas');
  });

  test.each([
    ['no name', ['set', 'api-key'], value, 'default/api-key'],
    ['a bad name', ['set', 'Risk/key'], value, 'a-z, 0-9'],
    ['an empty value', ['set', 'risk/new'], '', 'at least 4 bytes'],
    ['a value that is too long', ['set', 'risk/new'], 'x'.repeat(70_000), 'at most 65536 bytes'],
    ['a missing file', ['set', 'risk/new', '--from-file', 'nowhere.txt'], '', 'nowhere.txt cannot be read (ENOENT)'],
  ])('refuses %s before it asks anybody, and repeats no value', async (_what, words, stdin, hint) => {
    const { code, stderr } = await secret(words, stdin);
    expect(code).toBe(64);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain(value);
    expect(twin.seen).toEqual([]);
  });

  test('takes no value as an argument', async () => {
    const { code } = await secret(['set', 'risk/new', value]);
    expect(code).toBe(64);
    expect(twin.seen).toEqual([]);
  });
});

describe('secret list, show and delete', () => {
  test('list what there is and who uses it', async () => {
    const { stdout } = await secret(['list']);
    const [title, first, second] = stdout.split('\n');
    expect(title).toMatch(/^SECRET +VERSION +SET +USED BY$/);
    expect(first).toMatch(/^risk\/api-key +1 +2026-\S+ +fraud$/);
    expect(second).toMatch(/^risk\/certificate +1 +2026-\S+ +-$/);
    expect((await secret(['list', '-o', 'name'])).stdout).toBe('risk/api-key\nrisk/certificate\n');
    expect(JSON.parse((await secret(['list', '--json'])).stdout)).toMatchObject({ items: [{ name: 'api-key' }, {}] });
  });

  test('show everything but the value', async () => {
    const { stdout } = await secret(['show', 'risk/api-key']);
    expect(stdout).toMatch(/^secret +secret:\/\/risk\/api-key$/m);
    expect(stdout).toMatch(/^value +text; it is never shown$/m);
    expect(stdout).toMatch(/^used by +fraud as API_KEY$/m);
    expect((await secret(['show', 'risk/certificate'])).stdout).toContain('base64');
    expect(JSON.parse((await secret(['show', 'risk/api-key', '--json'])).stdout)).toMatchObject({ version: 1 });
  });

  test('end with 6 for one that does not exist', async () => {
    expect((await secret(['show', 'risk/none'])).code).toBe(6);
    expect((await secret(['delete', 'risk/none', '--yes'])).code).toBe(6);
  });

  test('delete asks first, and needs force where it is used', async () => {
    expect((await secret(['delete', 'risk/certificate'])).code).toBe(64);
    expect((await secret(['delete', 'risk/certificate', '--yes'])).stderr).toContain('deleted risk/certificate');
    const refused = await secret(['delete', 'risk/api-key', '--yes']);
    expect([refused.code, refused.stderr]).toEqual([7, expect.stringContaining('is used by fraud')]);
    const { stdout } = await secret(['delete', 'risk/api-key', '--yes', '--force', 'api-key', '--json']);
    expect(JSON.parse(stdout)).toEqual({ deleted: 'risk/api-key' });
    expect(twin.seen).toContain('DELETE /api/v1/secrets/risk/api-key?force=api-key');
  });
});

test('secret rotate-key waits for the end and says what came of it', async () => {
  const { code, stderr } = await secret(['rotate-key']);
  expect(code).toBe(0);
  expect(stderr).toContain('the new key is 00112233aabbccdd; the keys of 12 secrets were wrapped with it');
  expect(JSON.parse((await secret(['rotate-key', '--json'])).stdout)).toMatchObject({ state: 'succeeded' });
});

describe('deploy --secret', () => {
  const deploy = async (...secrets: string[]): Promise<Ended> =>
    await home.run(['deploy', 'fraud:3', ...secrets.flatMap((one) => ['--secret', one])], {
      env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token },
    });

  test.each([`API_KEY=${value}`, value, 'api=secret://risk/api-key', 'API_KEY=secret://risk'])(
    'refuses what is no reference, and does not repeat it: it may be the secret itself',
    async (flag) => {
      const { code, stderr } = await deploy(flag);
      expect(code).toBe(64);
      expect(stderr).toContain('secret://team/name');
      expect(stderr).not.toContain(value);
      expect(twin.seen).toEqual([]);
    },
  );
});
