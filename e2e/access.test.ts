import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { type CallOptions, createClient } from '@muster-ml/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from './support/command-line.ts';
import { handOver } from './support/hand-over.ts';
import {
  type Place,
  type RunningMuster,
  launcher,
  makePlace,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const model = join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx');
const row = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] });
/** Whatever takes rights away counts within this time, everywhere. */
const soonMs = 1000;
/** Every command line is a process of its own, which on a busy machine takes its time. */
const longMs = 300_000;

let place: Place;
let muster: RunningMuster;

beforeAll(async () => {
  place = await makePlace();
  muster = await startMuster(place);
  await handOver(muster.client, 'fraud', model);
  await handOver(muster.client, 'other', model);
});
afterAll(async () => {
  await muster.stop();
  await removePlace(place);
});

/** `muster` as the first admin; answers what it printed. */
async function asAdmin(line: string): Promise<string> {
  return await cli(muster, line.split(' '));
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `muster` with another token, however it ends. */
async function as(token: string, line: string, stdin = ''): Promise<Ended> {
  const env = { ...place.environment, MUSTER_SERVER: muster.url, MUSTER_TOKEN: token, NO_COLOR: '1' };
  const running = run(process.execPath, [launcher, ...line.split(' ')], { env, timeout: 60_000, cwd: place.folder });
  running.child.stdin?.end(stdin);
  return await running.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Ended,
  );
}

/** A token of an actor. */
async function tokenFor(actor: string, limits: Partial<CallOptions<'tokenCreate'>['body']> = {}): Promise<string> {
  return (await muster.client.call('tokenCreate', { body: { actor, ...limits } })).token;
}

async function idOf(token: string): Promise<string> {
  const { token: known } = await createClient({ url: muster.url, token }).call('whoami');
  return known?.id ?? '';
}

/** Status at the gateway of a call of an endpoint. */
async function call(token: string, endpoint = 'fraud'): Promise<number> {
  const response = await fetch(`${muster.url}/v2/models/${endpoint}/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: row,
  });
  await response.text();
  return response.status;
}

/** Status and body of a read; request ids and names made alike, so that two answers can be compared. */
async function read(
  token: string,
  path: string,
  name = '',
): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(muster.url + path, { headers: { authorization: `Bearer ${token}` } });
  const body = (await response.text()).replaceAll(/[0-9a-f-]{36}/g, 'ID');
  return { status: response.status, body: name === '' ? body : body.replaceAll(name, 'NAME') };
}

async function soon(what: string, holds: () => Promise<boolean>): Promise<void> {
  await until(what, soonMs, holds);
}

describe('a colleague', () => {
  it(
    'is added, gets a role and a token by file, signs in with it, and may do what the role says and no more',
    async () => {
      expect(await asAdmin('whoami')).toMatch(/, person, in default \(.*admin\)\ninstallation +auditor, admin\n/);
      await asAdmin('actor add colleague');
      await asAdmin('role grant data-scientist colleague --team default');
      const file = join(place.folder, 'colleague.token');
      expect(await asAdmin(`token create --for colleague --expires 7d --output-file ${file}`)).toBe('');
      const token = (await readFile(file, 'utf8')).trim();

      const home = { XDG_CONFIG_HOME: join(place.folder, 'colleague') };
      await cli(muster, ['login', '--token-file', file], home);
      expect(await cli(muster, ['whoami'], home)).toMatch(
        /^colleague, person, in default \(data-scientist\)\nexpires +/,
      );
      const own = (await cli(muster, ['token', 'create', '--note', 'laptop'], home)).trim();
      await cli(muster, ['token', 'revoke', await idOf(token), '--yes'], home);
      expect((await as(token, 'whoami')).code).toBe(4);

      await soon('the new token counts at the gateway', async () => (await call(own)) === 200);
      expect(await as(own, 'actor add somebody')).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('actor.create') as unknown,
      });
      expect((await as(own, 'role grant admin colleague --installation')).code).toBe(5);
      expect((await as(own, 'role grant operator colleague --team default')).code).toBe(5);
      expect((await as(own, 'endpoint list -o name')).stdout).toBe('fraud\nother\n');
      expect((await as(own, 'actor list -o name')).stdout).toBe('colleague\n');
    },
    longMs,
  );

  it('that is demoted loses the endpoint within a second, and still sees it', async () => {
    await asAdmin('actor add demoted');
    await asAdmin('role grant operator demoted --team default');
    await asAdmin('role grant viewer demoted --team default');
    const token = await tokenFor('demoted');
    await soon('an operator may call', async () => (await call(token)) === 200);
    await asAdmin('role revoke operator demoted --team default --yes');
    await soon('a viewer may not', async () => (await call(token)) === 403);
    expect((await read(token, '/api/v1/endpoints/fraud')).status).toBe(200);
    expect((await as(token, 'rollback fraud')).code).toBe(5);
    await asAdmin('role revoke viewer demoted --team default --yes');
    await soon('who holds nothing does not even see it', async () => (await call(token)) === 404);
    expect((await read(token, '/api/v1/endpoints/fraud')).status).toBe(404);
  });
});

describe('a service account', () => {
  let token: string;

  it('with a token limited to one endpoint calls this one and sees nothing else', async () => {
    await asAdmin('actor add ci-fraud --service --team default');
    await asAdmin('role grant operator ci-fraud --team default');
    const printed = await asAdmin('token create --for ci-fraud --resource endpoint/fraud --note release');
    expect(printed).toMatch(/^mste_[0-9A-Za-z]{49}\n$/);
    token = printed.trim();
    await soon('its token counts', async () => (await call(token)) === 200);
    expect(await call(token, 'other')).toBe(404);
    expect((await as(token, 'endpoint list -o name')).stdout).toBe('fraud\n');
    expect((await as(token, 'model list -o name')).stdout).toBe('');
    expect((await as(token, 'team list -o name')).stdout).toBe('');
    expect((await as(token, 'whoami')).stdout).toMatch(/^only on +endpoint\/fraud$/m);
    for (const path of ['/api/v1/endpoints/', '/v2/models/', '/predict/', '/api/v1/models/'])
      expect(await read(token, `${path}other`, 'other')).toEqual(await read(token, `${path}nothing`, 'nothing'));
  });

  it('cannot make itself a wider token, and one that only calls can only call', async () => {
    expect((await as(token, 'token create --resource team/default')).code).not.toBe(0);
    expect((await as(token, 'token create --resource endpoint/other')).code).not.toBe(0);
    const calls = await tokenFor('ci-fraud', { actions: ['endpoint.predict'], resources: ['endpoint/fraud'] });
    await soon('it calls', async () => (await call(calls)) === 200);
    expect((await as(calls, 'endpoint delete fraud --yes')).code).toBe(5);
    expect((await as(calls, 'token create')).code).toBe(5);
    expect((await as(calls, 'endpoint list')).code).toBe(5);
  });
});

describe('an application of another team', () => {
  let token: string;

  it('is let in by a rule, within its limits, and is out again within a second when the rule ends', async () => {
    await asAdmin('team create search --description Search');
    await asAdmin('actor add web-shop --service --team search');
    token = await tokenFor('web-shop');
    await soon('its token is known', async () => (await call(token)) === 404);
    expect((await as(token, 'endpoint list -o name')).stdout).toBe('');
    await asAdmin('access grant fraud web-shop --rate 30/m --per-day 1000');
    await soon('the rule lets it in', async () => (await call(token)) === 200);
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => await call(token)));
    expect(statuses).toContain(429);
    expect((await as(token, 'endpoint list -o name')).stdout).toBe('fraud\n');
    expect(await asAdmin('access list fraud')).toMatch(/^web-shop +actor +30\/m, 1000 a day +- /m);
    await asAdmin('access grant fraud web-shop');
    await soon('the limit is gone', async () => (await call(token)) === 200);
    await asAdmin('access revoke fraud web-shop --yes');
    await soon('the rule is gone', async () => (await call(token)) === 404);
  });

  it('is let in with its whole team, and goes when it leaves the team', async () => {
    await asAdmin('access grant fraud --team search');
    expect(await call(token)).toBe(404);
    await asAdmin('role grant viewer web-shop --team search');
    await soon('a member may call', async () => (await call(token)) === 200);
    await asAdmin('role revoke viewer web-shop --team search --yes');
    await soon('who is no member may not', async () => (await call(token)) === 404);
    await asAdmin('access revoke fraud --team search --yes');
  });

  it('is out within a second after its rule has expired, although nobody changes anything then', async () => {
    await asAdmin('access grant fraud web-shop --expires 1d');
    await soon('the rule lets it in', async () => (await call(token)) === 200);
    // A day cannot be waited for: the rule is made to end soon, as another control would write it.
    const expiresAt = Date.now() + 3000;
    const database = new DatabaseSync(join(place.dataDir, 'muster.db'));
    database.exec('pragma busy_timeout = 5000; begin immediate');
    const changed = database
      .prepare("update endpoint_access set expires_at = ? where endpoint = 'fraud'")
      .run(expiresAt);
    database.exec('update authz_clock set epoch = epoch + 1; commit');
    database.close();
    expect(changed.changes).toBe(1);
    await until('the rule has expired', 10_000, async () => {
      const status = await call(token);
      expect(status === 200 ? Date.now() : 0, 'called after the rule had expired').toBeLessThan(expiresAt + soonMs);
      return status === 404;
    });
    expect((await read(token, '/api/v1/endpoints/fraud')).status).toBe(404);
  });

  it('is explained: which rule lets it in, and what is missing', async () => {
    expect(await asAdmin('access explain web-shop endpoint.predict endpoint/fraud')).toMatch(/^✗ web-shop may not/);
    await asAdmin('access grant fraud web-shop');
    expect(await asAdmin('access explain web-shop endpoint.predict endpoint/fraud')).toBe(
      '✓ web-shop may endpoint.predict on endpoint/fraud\n  an access rule of fraud holds endpoint.predict\n',
    );
    expect((await as(token, 'access explain web-shop endpoint.predict endpoint/fraud')).code).toBe(0);
    const about = await as(token, 'access explain ci-fraud endpoint.predict endpoint/fraud');
    expect(about.code).not.toBe(0);
  });
});

describe('a token', () => {
  it('that is revoked is refused by the gateway and by control within a second', async () => {
    const token = await tokenFor('ci-fraud');
    await soon('it counts', async () => (await call(token)) === 200);
    await asAdmin(`token revoke ${await idOf(token)} --yes`);
    await soon('the gateway refuses it', async () => (await call(token)) === 401);
    expect((await read(token, '/api/v1/whoami')).status).toBe(401);
    expect(await asAdmin('token list --actor ci-fraud')).toMatch(new RegExp(`…${token.slice(-4)} +revoked `));
  });

  it('that leaked is ended by whoever reports it, and nothing else is', async () => {
    const token = await tokenFor('ci-fraud');
    const other = await tokenFor('ci-fraud');
    await soon('it counts', async () => (await call(token)) === 200 && (await call(other)) === 200);
    const finder = await tokenFor('web-shop');
    expect(await as(finder, 'token report', `${token}\n`)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('revoked') as unknown,
    });
    await soon('it does nothing', async () => (await call(token)) === 401);
    expect((await as(finder, 'token report', token.slice(0, -1))).stderr).toContain('No token of this server');
    expect(await call(other)).toBe(200);
  });

  it('does nothing while its actor is disabled, and counts again when it is enabled', async () => {
    const token = await tokenFor('ci-fraud');
    await soon('it counts', async () => (await call(token)) === 200);
    await asAdmin('actor disable ci-fraud --yes');
    await soon('the gateway refuses it', async () => (await call(token)) === 401);
    expect((await as(token, 'whoami')).code).toBe(4);
    await asAdmin('actor enable ci-fraud');
    await soon('it counts again', async () => (await call(token)) === 200);
  });

  it('stands in no log and in no file but the one it was written to', async () => {
    const secret = (await readFile(join(place.folder, 'colleague.token'), 'utf8')).trim().slice(5, 40);
    const names = await readdir(place.dataDir, { recursive: true, withFileTypes: true });
    for (const entry of names.filter((one) => one.isFile()))
      expect((await readFile(join(entry.parentPath, entry.name))).includes(secret), entry.name).toBe(false);
    expect(muster.output()).not.toContain(secret);
  });
});

describe('what takes rights away', () => {
  const ways: readonly [string, (actor: string, token: string) => Promise<unknown>][] = [
    ['a token is revoked', async (_actor, token) => await muster.client.call('tokenRevoke', { params: { token } })],
    [
      'an actor is disabled',
      async (actor) => await muster.client.call('actorUpdate', { params: { actor }, body: { disabled: true } }),
    ],
    [
      'a role is taken back',
      async (actor) => await muster.client.call('roleRevoke', { params: { team: 'default', actor, role: 'operator' } }),
    ],
  ];

  it.each(ways)(
    'counts in control at once and at the gateway within a second after the answer: %s',
    async (what, take) => {
      const name = what.replaceAll(' ', '-');
      const { id: actor } = await muster.client.call('actorCreate', { body: { name } });
      await muster.client.call('roleGrant', { params: { team: 'default', actor, role: 'operator' } });
      const token = await tokenFor(actor);
      const tokenId = await idOf(token);
      await soon('it may call', async () => (await call(token)) === 200);
      await take(actor, tokenId);
      const answeredAt = performance.now();
      const inControl = await read(token, '/api/v1/endpoints/fraud');
      await soon('it is refused', async () => (await call(token)) !== 200);
      expect(performance.now() - answeredAt).toBeLessThan(soonMs);
      expect(inControl.status).not.toBe(200);
    },
  );
});

describe('the last admin', () => {
  it('can neither be disabled nor lose the role; once there are two, one may go', async () => {
    const { stdout } = await as(muster.token, 'whoami -o name');
    const admin = stdout.trim();
    for (const line of [`actor disable ${admin} --yes`, `role revoke admin ${admin} --installation --yes`])
      expect(await as(muster.token, line)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('last admin') as unknown,
      });
    await asAdmin('role grant admin colleague --installation');
    expect((await as(muster.token, `role grant auditor ${admin} --installation`)).code).toBe(5);
    await asAdmin('role revoke admin colleague --installation --yes');
    expect((await as(muster.token, `role revoke admin ${admin} --installation --yes`)).code).toBe(1);
  });
});

describe('the admin’s token', () => {
  it('that was lost with the configuration is renewed for who starts Muster, and the old one can be ended', async () => {
    const old = muster.token;
    await muster.stop();
    await rm(join(place.folder, 'config'), { recursive: true });
    muster = await startMuster(place);
    expect(muster.token).not.toBe(old);
    expect(await asAdmin('whoami')).toMatch(/^installation +auditor, admin$/m);
    await soon('the old one still counts', async () => (await call(old)) === 200);
    await asAdmin(`token revoke ${await idOf(old)} --yes`);
    await soon('the old one is refused', async () => (await call(old)) === 401);
    expect(await call(muster.token)).toBe(200);
  });
});

describe('in production', () => {
  let production: Place;
  let other: RunningMuster;
  beforeAll(async () => {
    production = await makePlace();
    other = await startMuster(production, { flags: ['--environment', 'prod', '--runners-isolation', 'none'] });
  });
  afterAll(async () => {
    await other.stop();
    await removePlace(production);
  });

  it(
    'data scientists hand over models, and operators deploy and call them',
    async () => {
      await handOver(other.client, 'fraud', model);
      for (const [name, role] of [
        ['scientist', 'data-scientist'],
        ['runner', 'operator'],
      ] as const) {
        await cli(other, ['actor', 'add', name]);
        await cli(other, ['role', 'grant', role, name, '--team', 'default']);
      }
      const scientist = { MUSTER_TOKEN: (await cli(other, ['token', 'create', '--for', 'scientist'])).trim() };
      const operator = { MUSTER_TOKEN: (await cli(other, ['token', 'create', '--for', 'runner'])).trim() };
      await cli(other, ['model', 'push', model, '--name', 'theirs'], scientist);
      await expect(cli(other, ['deploy', 'theirs:1', '--name', 'theirs'], scientist)).rejects.toThrow(
        /endpoint.deploy/,
      );
      await expect(cli(other, ['predict', 'fraud'], scientist)).rejects.toThrow(/endpoint.predict/);
      await cli(other, ['deploy', 'theirs:1', '--name', 'theirs'], operator);
      await cli(other, ['predict', 'fraud'], operator);
      expect(await cli(other, ['access', 'explain', 'scientist', 'endpoint.deploy', 'endpoint/fraud'])).toContain(
        'only if the installation is not `prod`',
      );
    },
    longMs,
  );

  it('a Python model is refused where nothing cages it, now that a second person has a token', async () => {
    const folder = join(production.folder, 'python-model');
    await mkdir(folder);
    await writeFile(
      join(folder, 'model.py'),
      'def load(path):\n    return None\n\n\ndef predict(model, data):\n    return data\n',
    );
    await expect(cli(other, ['model', 'push', folder, '--name', 'snake'])).rejects.toThrow(/persons have tokens here/);
  });
});
