import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type IdentityTwin, madeToken, startIdentityTwin } from '../../test-support/identity-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;
let twin: IdentityTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startIdentityTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(line: string, options: { readonly stdin?: string } = {}): Promise<Ended> {
  return await home.run(line.split(' '), { ...options, env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}

describe('whoami', () => {
  test('says the roles by team, those of the installation, and what the token is limited to', async () => {
    twin.limits = {
      expiresAt: '2027-01-30T10:00:00.000Z',
      actions: ['endpoint.predict'],
      resources: ['endpoint/fraud'],
    };
    const { stdout, code } = await muster('whoami');
    expect(stdout).toContain('ana, person, in default (admin), fraud (viewer, operator)\n');
    expect(stdout).toMatch(/^installation +admin$/m);
    expect(stdout).toMatch(/^expires +2027-01-30T10:00:00.000Z$/m);
    expect(stdout).toMatch(/^only to +endpoint.predict$/m);
    expect(stdout).toMatch(/^only on +endpoint\/fraud$/m);
    expect(code).toBe(0);
  });

  test('says nothing of limits that there are not', async () => {
    const { stdout } = await muster('whoami');
    expect(stdout).toBe('ana, person, in default (admin), fraud (viewer, operator)\ninstallation  admin\n');
    expect(JSON.parse((await muster('whoami --json')).stdout)).toMatchObject({ server: twin.url, token: { id: 't1' } });
  });
});

describe('actor', () => {
  test('lists who there is, with roles and state', async () => {
    const [title, first, second] = (await muster('actor list')).stdout.split('\n');
    expect(title).toMatch(/^NAME +KIND +STATE +ROLES +INSTALLATION +CREATED$/);
    expect(first).toMatch(/^ana +person +active +default \(admin\), fraud \(viewer, operator\) +admin +2026-/);
    expect(second).toMatch(/^ci-fraud +service +disabled +- +- +2026-/);
    expect((await muster('actor list -o name')).stdout).toBe('ana\nci-fraud\n');
  });

  test('adds a person without a team, and a service account with one', async () => {
    expect((await muster('actor add joana')).stderr).toContain('added joana, a person\n');
    expect((await muster('actor add ci --service --team fraud')).stderr).toContain(
      'added ci, a service account of fraud',
    );
    expect(twin.seen.map(({ body }) => body)).toEqual([
      { name: 'joana', kind: 'person' },
      { name: 'ci', kind: 'service', team: 'fraud' },
    ]);
    for (const line of ['actor add ci --service', 'actor add joana --team fraud'])
      expect(await muster(line)).toMatchObject({ code: 64, stderr: expect.stringContaining('--team') as unknown });
  });

  test('shows one, and offers the name that was meant', async () => {
    const { stdout } = await muster('actor show ci-fraud');
    expect(stdout).toMatch(/^kind +a service account of fraud$/m);
    expect(stdout).toMatch(/^state +disabled: its tokens do nothing$/m);
    twin.fail('actorGet', 'actor_not_found', 'there is no actor cifraud');
    expect(await muster('actor show cifraud')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('ci-fraud exists: check the name.') as unknown,
    });
  });

  test('renames, disables after a confirmation, and enables', async () => {
    expect((await muster('actor rename ana ana.silva')).stderr).toContain('ana is ana.silva now');
    expect((await muster('actor disable ana')).code).toBe(64);
    expect(twin.seen.at(-1)?.route).toBe('actorGet');
    expect((await muster('actor disable ana --yes')).stderr).toContain('disabled ana; its tokens do nothing');
    expect(twin.seen.at(-1)).toMatchObject({ params: { actor: 'ana' }, body: { disabled: true } });
    expect((await muster('actor enable ana')).code).toBe(0);
    expect(twin.seen.at(-1)).toMatchObject({ body: { disabled: false } });
  });
});

describe('team and role', () => {
  test('teams are listed, shown with their members, made and described', async () => {
    expect((await muster('team list')).stdout).toMatch(/^fraud +1 +2026-\S+ +finds it$/m);
    expect((await muster('team show fraud -o wide')).stdout).toMatch(/^ana +person +viewer +local, spec +a1$/m);
    expect((await muster('team create search --description finds')).code).toBe(0);
    expect(twin.seen.at(-1)?.body).toEqual({ name: 'search', description: 'finds' });
    expect((await muster('team describe search other')).code).toBe(0);
    expect(twin.seen.at(-1)).toMatchObject({ route: 'teamUpdate', body: { description: 'other' } });
  });

  test('a role is given in a team or in the installation', async () => {
    expect((await muster('role grant operator ana --team fraud')).stderr).toContain('ana holds operator in fraud');
    expect(twin.seen.at(-1)).toMatchObject({ route: 'roleGrant', params: { team: 'fraud', actor: 'ana' } });
    expect((await muster('role grant auditor ana --installation')).stderr).toContain('in the installation');
    expect(twin.seen.at(-1)).toMatchObject({ route: 'platformRoleGrant', params: { role: 'auditor' } });
  });

  test('a role that comes from elsewhere too is still held after it is taken back', async () => {
    const { stderr } = await muster('role revoke viewer ana --team fraud --yes');
    expect(stderr).toContain('ana still holds viewer in fraud: it comes from local and spec, too');
    expect((await muster('role revoke operator ana --team fraud --yes')).stderr).toContain('does not hold operator');
  });

  test.each([
    ['role grant viewr ana --team fraud', 'Write `viewer`.'],
    ['role grant viewer ana', '--team TEAM or --installation'],
    ['role grant admin ana --team fraud --installation', '--team TEAM or --installation'],
    ['role grant viewer ana --installation', 'there are auditor and admin'],
    ['role revoke viewer ana --team fraud', 'Say --yes.'],
  ])('muster %s is refused before anything is sent', async (line, remedy) => {
    expect(await muster(line)).toMatchObject({ code: 64, stderr: expect.stringContaining(remedy) as unknown });
    expect(twin.seen).toEqual([]);
  });
});

describe('token', () => {
  test('without a verb prints the token that is used, as scripts expect, and print does the same', async () => {
    expect(await muster('token')).toEqual({ code: 0, stdout: `${twin.token}\n`, stderr: '' });
    expect((await muster('token print')).stdout).toBe(`${twin.token}\n`);
  });

  test('lists what is known of tokens, never the tokens', async () => {
    const { stdout } = await muster('token list --actor ana');
    expect(stdout).toMatch(/^t1 +ana +…wxyz +live +endpoint.predict on endpoint\/fraud +2027-\S+ +- +laptop$/m);
    expect(twin.seen.at(-1)?.query).toMatchObject({ actor: 'ana' });
  });

  test('a new one stands alone on standard output; everything about it is on standard error', async () => {
    const line =
      'token create --for ci-fraud --note x --expires 30d --action endpoint.predict --action endpoint.read --resource endpoint/fraud';
    const { stdout, stderr } = await muster(line);
    expect(stdout).toBe(`${madeToken}\n`);
    expect(stderr).toContain('only endpoint.predict, endpoint.read on endpoint/fraud');
    expect(stderr).not.toContain(madeToken);
    expect(twin.seen.at(-1)?.body).toEqual({
      actor: 'ci-fraud',
      note: 'x',
      expiresInDays: 30,
      actions: ['endpoint.predict', 'endpoint.read'],
      resources: ['endpoint/fraud'],
    });
    expect(JSON.parse((await muster('token create --json')).stdout)).toMatchObject({ id: 't1', token: madeToken });
  });

  test('goes to a new file that its user alone may read, and then nowhere else', async () => {
    const { stdout, stderr, code } = await muster('token create --output-file token.txt --json');
    const file = join(home.folder, 'token.txt');
    expect(readFileSync(file, 'utf8')).toBe(`${madeToken}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(stdout + stderr).not.toContain(madeToken);
    expect(code).toBe(0);
  });

  test('a file that is there is not overwritten, and no token is made for nothing', async () => {
    writeFileSync(join(home.folder, 'token.txt'), 'mine');
    expect((await muster('token create --output-file token.txt')).code).toBe(64);
    expect(readFileSync(join(home.folder, 'token.txt'), 'utf8')).toBe('mine');
    expect(twin.seen).toEqual([]);
    twin.fail('tokenCreate', 'token_limits', 'no');
    expect((await muster('token create --output-file other.txt')).code).toBe(1);
    expect(existsSync(join(home.folder, 'other.txt'))).toBe(false);
  });

  test.each([
    ['token create --expires 36h', 'Write `--expires 30d`.'],
    ['token create --expires 2y', 'no duration'],
    ['token create --action endpoint.predct', 'Write `endpoint.predict`.'],
    ['token create --resource fraud', 'Write endpoint/NAME or team/NAME.'],
    ['token bogus', 'error: '],
  ])('muster %s is refused before anything is sent', async (line, remedy) => {
    expect(await muster(line)).toMatchObject({ code: 64, stderr: expect.stringContaining(remedy) as unknown });
    expect(twin.seen).toEqual([]);
  });

  test('is revoked after a confirmation', async () => {
    expect((await muster('token revoke t1')).code).toBe(64);
    expect((await muster('token revoke t1 --yes')).stderr).toContain('revoked t1');
    expect(twin.seen.at(-1)).toMatchObject({ route: 'tokenRevoke', params: { token: 't1' } });
  });

  test('that leaked is read from standard input, and whether it was one is said', async () => {
    const { stdout, stderr } = await muster('token report', { stdin: `${madeToken}\n` });
    expect(stderr).toContain('revoked');
    expect(stdout + stderr).not.toContain(madeToken);
    const other = await muster('token report', { stdin: 'ghp_other' });
    expect(other).toMatchObject({ code: 0, stderr: expect.stringContaining('No token of this server') as unknown });
    expect((await muster('token report')).code).toBe(64);
  });
});

describe('access', () => {
  test('lists rules with their limits', async () => {
    expect((await muster('access list fraud')).stdout).toMatch(/^ci-fraud +actor +30\/m, 1000 a day +- +2026-/m);
  });

  test('lets an actor in, or a team, within limits', async () => {
    const { stderr } = await muster('access grant fraud ci-fraud --rate 90/m --per-day 5 --expires 7d');
    expect(stderr).toContain('ci-fraud may call fraud, 1.5/s, 5 a day');
    expect(twin.seen.at(-1)).toMatchObject({
      params: { endpoint: 'fraud', subjectKind: 'actor', subject: 'ci-fraud' },
      body: { ratePerSecond: 1.5, requestsPerDay: 5, expiresInDays: 7 },
    });
    expect((await muster('access grant fraud --team search')).stderr).toContain(
      'team search may call fraud, without limit',
    );
    expect(twin.seen.at(-1)).toMatchObject({ params: { subjectKind: 'team', subject: 'search' } });
  });

  test('ends a rule after a confirmation', async () => {
    expect((await muster('access revoke fraud --team search')).code).toBe(64);
    expect((await muster('access revoke fraud --team search --yes')).code).toBe(0);
    expect(twin.seen.at(-1)).toMatchObject({ route: 'accessEnd', params: { subjectKind: 'team', subject: 'search' } });
  });

  test('explains a decision, and says where something does not exist for the actor', async () => {
    const yes = await muster('access explain ana endpoint.read endpoint/fraud');
    expect(yes).toMatchObject({ code: 0, stdout: '✓ ana may endpoint.read on endpoint/fraud\n  because it is so\n' });
    const no = await muster('access explain ana endpoint.delete endpoint/hidden');
    expect(no.stdout).toContain('✗ ana may not endpoint.delete on endpoint/hidden');
    expect(no.stdout).toContain('For this actor it does not exist');
    expect(JSON.parse((await muster('access explain ana endpoint.read team/x --json')).stdout)).toMatchObject({
      allow: true,
    });
  });

  test.each([
    ['access grant fraud', 'Name either an actor or, with --team, a team.'],
    ['access grant fraud ana --team search', 'Name either an actor or, with --team, a team.'],
    ['access grant fraud ana --rate 10', 'Write `--rate 10/s`'],
    ['access grant fraud ana --rate 10/week', 'no rate'],
    ['access grant fraud ana --per-day 0', 'no whole number'],
    ['access explain ana predict endpoint/fraud', 'there is no action'],
  ])('muster %s is refused before anything is sent', async (line, remedy) => {
    expect(await muster(line)).toMatchObject({ code: 64, stderr: expect.stringContaining(remedy) as unknown });
    expect(twin.seen).toEqual([]);
  });
});
