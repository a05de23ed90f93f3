import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ReadinessTwin,
  ana,
  bob,
  startReadinessTwin,
  twinCheck,
  twinReadiness,
  twinSubmission,
  twinWaiver,
} from '../../test-support/readiness-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';
import { now } from '../../test-support/twin-documents.ts';

let home: Home;
let twin: ReadinessTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startReadinessTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(...words: string[]): Promise<Ended> {
  return await home.run(words, { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}

const owned = twinCheck();
const noUseCase = twinCheck({
  id: 'R02',
  title: 'It has an accepted use case',
  holds: false,
  outcome: {
    state: 'missing',
    summary: 'it belongs to no use case',
    remedy: 'muster endpoint update fraud --use-case NAME',
  },
});
const waived = twinCheck({
  id: 'R21',
  title: 'It survives a crash',
  level: 'silver',
  outcome: { state: 'missing', summary: 'not tried' },
  waiver: { id: 'w1', reason: 'One runner until Monday.', until: '2026-12-24T12:00:00.000Z' },
});
const notReviewed = twinCheck({
  id: 'R19',
  title: 'Somebody else reviewed it',
  level: 'silver',
  holds: false,
  outcome: { state: 'missing', summary: 'nobody was asked to review it', remedy: 'muster submit fraud' },
});

describe('muster check ENDPOINT', () => {
  test('says check by check what is there, and the command that closes each gap', async () => {
    twin.readiness = twinReadiness([owned, noUseCase, waived]);
    const { code, stdout } = await muster('check', 'fraud');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fraud \(churn:3, limited risk\): not submitted$/m);
    expect(stdout).toMatch(/^✓ +R01 +Somebody owns it +ana owns it$/m);
    expect(stdout).toMatch(
      /^✗ +R02 .*missing: it belongs to no use case\n +→ .*muster.* endpoint update fraud --use-case NAME$/m,
    );
    expect(stdout).toMatch(/^▲ +R21 .*missing: not tried; waived until 2026-12-24: One runner until Monday\.$/m);
    expect(stdout).toMatch(/^prod asks for silver: 1 gap\nbronze: 1 of 2 · silver: 1 of 1$/m);
  });

  test('is a success where all of it holds, and says what comes next', async () => {
    const { code, stdout, stderr } = await muster('check', 'fraud');
    expect(code).toBe(0);
    expect(stdout).toContain('prod asks for silver: all of it holds');
    expect(stderr).toMatch(/Ask for production +.*submit fraud/);
  });

  test('asks for the review where nothing else is missing', async () => {
    twin.readiness = twinReadiness([owned, notReviewed]);
    const { code, stderr } = await muster('check', 'fraud');
    expect(code).toBe(1);
    expect(stderr).toMatch(/Ask for the review +.*submit fraud/);
  });

  test('holds it against another level where one is named', async () => {
    twin.readiness = twinReadiness([owned, notReviewed]);
    const bronze = await muster('check', 'fraud', '--level', 'bronze');
    expect(bronze.code).toBe(0);
    expect(bronze.stdout).not.toContain('R19');
    expect(await muster('check', 'fraud', '--level', 'platinum')).toMatchObject({ code: 64 });
  });

  test('asks about the version that is named', async () => {
    await muster('check', 'fraud', '--number', '4');
    expect(twin.seen).toEqual([{ route: 'endpointReadiness', given: { version: 4 } }]);
  });

  test('says why it lapsed, and since when', async () => {
    const standing = {
      state: 'lapsed' as const,
      since: now,
      firstAt: now,
      reasons: ['R01: its owner ana is disabled'],
    };
    twin.readiness = twinReadiness([owned], { standing });
    const { stdout } = await muster('check', 'fraud');
    expect(stdout).toContain(`lapsed since ${now}\n  · R01: its owner ana is disabled`);
  });

  test('is JSON for programs, and the gaps alone by name', async () => {
    twin.readiness = twinReadiness([owned, noUseCase]);
    const { code, stdout } = await muster('check', 'fraud', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([1, twin.readiness]);
    expect((await muster('check', 'fraud', '-o', 'name')).stdout).toBe('R02\n');
  });

  test('names the endpoint that was meant', async () => {
    const { code, stderr } = await muster('check', 'frad');
    expect([code, stderr]).toEqual([6, expect.stringContaining('fraud exists')]);
  });

  test('takes no flags of a file', async () => {
    const { code, stderr } = await muster('check', 'fraud', '--sample', 'rows.csv');
    expect(code).toBe(64);
    expect(stderr).toContain('--sample belongs to a file, and this is an endpoint');
  });
});

describe('muster check MODEL:VERSION', () => {
  const unknown = twinCheck({ holds: false, outcome: { state: 'unknown', summary: 'there is no endpoint yet' } });

  test('does not count what only a deployment shows', async () => {
    twin.readiness = twinReadiness([unknown, twinCheck({ id: 'R05' })], { endpoint: null });
    const { code, stdout } = await muster('check', 'churn@champion');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^- +R01 .*unknown: there is no endpoint yet$/m);
    expect(stdout).toContain('bronze: 1 of 2; 1 check can be known once it is deployed');
    expect(twin.seen.map(({ route }) => route)).toEqual(['modelGet', 'versionReadiness']);
  });

  test('fails by what is missing in it', async () => {
    twin.readiness = twinReadiness([unknown, noUseCase], { endpoint: null });
    expect((await muster('check', 'churn:3')).code).toBe(1);
  });
});

describe('muster check FILE', () => {
  const hasPython = ['python3', 'python'].some((name) => spawnSync(name, ['--version']).status === 0);
  if (!hasPython && process.env['CI'] !== undefined) throw new Error('the tests of muster check need a python3');
  const model = fileURLToPath(new URL('../../../runtime-onnx/fixtures/zipmap-string-labels.onnx', import.meta.url));

  test('needs no server, and names the file in the commands', async () => {
    const { code, stdout } = await home.run(['check', model]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✓ +R05 +The file is safe to load +zipmap-string-labels is ONNX/m);
    expect(stdout).toMatch(
      /^✗ +R06 .*no sample\n +→ \S*.* model push \S+zipmap-string-labels\.onnx --name zipmap-string-labels --sample rows\.csv$/m,
    );
    expect(stdout).toContain('bronze: 1 of 5; 2 checks can be known once it is deployed');
  });

  test('is a success where the file has what a file can have', async () => {
    const sample = join(home.folder, 'rows.csv');
    writeFileSync(sample, 'a,b\n1,2\n');
    const { code, stdout } = await home.run(['check', model, '--sample', sample, '--json']);
    expect(code).toBe(0);
    const { verdict } = JSON.parse(stdout) as ReturnType<typeof twinReadiness>;
    expect(verdict.checks.slice(0, 5).map(({ id, outcome }) => `${id} ${outcome.state}`)).toEqual([
      'R01 unknown',
      'R02 unknown',
      'R05 passed',
      'R06 passed',
      'R07 unknown',
    ]);
  });

  test.skipIf(!hasPython)('does not take a pickle for safe where nobody could look into it', async () => {
    const pickle = join(home.folder, 'model.pkl');
    // `posix.system("true")`; nothing here ever loads it.
    writeFileSync(pickle, 'cposix\nsystem\n(Vtrue\ntR.');
    const env = { PATH: process.env['PATH'] ?? '', XDG_CACHE_HOME: '/dev/null/cache' };
    const { code, stdout } = await home.run(['check', pickle], { env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^- +R05 .*unknown: nobody looked for dangerous instructions/m);
  });

  test('says what is wrong with the path or a flag before it reads the file', async () => {
    expect(await home.run(['check', 'nope.onnx'])).toMatchObject({ code: 64 });
    expect(await home.run(['check', './nope'])).toMatchObject({ code: 64 });
    expect(await home.run(['check', model, '--sample', 'nope.csv'])).toMatchObject({ code: 64 });
    expect(await home.run(['check', model, '--number', '3'])).toMatchObject({ code: 64 });
  });
});

describe('muster submit', () => {
  test('says who has to approve it, and the command', async () => {
    const { code, stdout, stderr } = await muster('submit', 'fraud', '--number', '4', '--note', 'October, too');
    expect([code, stdout]).toEqual([0, '01s1\n']);
    expect(stderr).toContain('1 approver of risk has to approve: nobody who made the version or submitted it.');
    expect(stderr).toMatch(/and approve +.*approve fraud --reason TEXT/);
    expect(twin.seen).toEqual([{ route: 'submit', given: { version: 4, note: 'October, too' } }]);
  });

  test('shows the gaps where it is refused, without the review that it asks for', async () => {
    twin.readiness = twinReadiness([owned, noUseCase, notReviewed]);
    twin.failNext('submit', 'not_ready', 'R02 does not hold');
    const { code, stdout, stderr } = await muster('submit', 'fraud');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^✗ +R02 .*\n +→ .*endpoint update fraud --use-case NAME\n[\s\S]*R02 does not hold/m);
    expect(stderr).not.toMatch(/R19|R01/);
    twin.failNext('submit', 'not_ready', 'R02 does not hold');
    const asJson = await muster('submit', 'fraud', '--json');
    expect(JSON.parse(asJson.stderr)).toMatchObject({ code: 'not_ready' });
  });
});

describe('muster approve', () => {
  test('shows what waits under the endpoint, and sends the digest of what it showed', async () => {
    twin.submissions = [twinSubmission()];
    const { code, stderr } = await muster('approve', 'fraud', '--reason', 'The figures are fine.', '--yes');
    expect(code).toBe(0);
    expect(stderr).toMatch(/fraud: churn:3 for silver \(limited risk\), waiting/);
    expect(stderr).toMatch(/✓ +R01 +Somebody owns it/);
    expect(stderr).toContain('approved churn:3 of fraud (1 of 1)');
    expect(stderr).toMatch(/Prove it +.*audit prove 40/);
    expect(twin.seen.at(-1)).toEqual({
      route: 'submissionApprove',
      given: { reason: 'The figures are fine.', evidenceDigest: 'evidence-1' },
    });
  });

  test('needs a confirmation, and a reason', async () => {
    twin.submissions = [twinSubmission()];
    expect(await muster('approve', '01s1', '--reason', 'The figures are fine.')).toMatchObject({ code: 64 });
    expect(await muster('approve', '01s1', '--yes')).toMatchObject({ code: 64 });
    expect(twin.seen.some(({ route }) => route === 'submissionApprove')).toBe(false);
  });

  test('asks which one is meant, and tells that there is none', async () => {
    twin.submissions = [twinSubmission(), twinSubmission({ id: '01s2' })];
    const { code, stderr } = await muster('approve', 'fraud', '--reason', 'The figures are fine.', '--yes');
    expect([code, stderr]).toEqual([64, expect.stringContaining('01s1, 01s2')]);
    twin.submissions = [twinSubmission({ state: 'approved' })];
    expect(await muster('approve', 'fraud', '--reason', 'The figures are fine.', '--yes')).toMatchObject({ code: 6 });
  });
});

test('muster reject tells whom the reason goes to', async () => {
  twin.submissions = [twinSubmission()];
  const { code, stderr } = await muster('reject', '01s1', '--reason', 'Compare it with the rule first.');
  expect([code, stderr]).toEqual([0, expect.stringContaining('rejected churn:3 of fraud')]);
  expect(twin.seen.at(-1)).toEqual({ route: 'submissionReject', given: { reason: 'Compare it with the rule first.' } });
});

describe('muster approvals', () => {
  test('lists what waits; with --all what was decided, too', async () => {
    twin.submissions = [twinSubmission({ approvalsNeeded: 2 }), twinSubmission({ id: '01s0', state: 'void' })];
    const { stdout } = await muster('approvals');
    expect(stdout).toMatch(/^ENDPOINT +VERSION +LEVEL +RISK +STATE +APPROVALS +SUBMITTED +BY +ID$/m);
    expect(stdout).toMatch(/^fraud +churn:3 +silver +limited +waiting +0 of 2 +\S+ +ana +01s1$/m);
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect((await muster('approvals', 'list', '--all', '-o', 'name')).stdout).toBe('01s1\n01s0\n');
    twin.submissions = [];
    expect((await muster('approvals')).stderr).toContain('Nothing waits');
  });

  test('shows one with what the checks find', async () => {
    const approvals = [{ by: bob, at: now, reason: 'Fine for me.', entry: 40 }];
    twin.submissions = [twinSubmission({ note: 'Trained anew', approvals, approvalsNeeded: 2 })];
    const { stdout, stderr } = await muster('approvals', 'show', 'fraud');
    expect(stdout).toContain('Trained anew\n  1 of 2 approvals\n  approved by bob');
    expect(stdout).toMatch(/✓ +R01/);
    expect(stderr).toMatch(/Approve it +.*approve 01s1 --reason TEXT/);
    expect(JSON.parse((await muster('approvals', 'show', '01s1', '--json')).stdout)).toEqual(twin.submissions[0]);
  });
});

describe('muster evidence', () => {
  test('lists what was found, of one check if asked', async () => {
    const one = {
      id: '01e1',
      check: 'R20',
      endpoint: 'fraud',
      model: 'churn',
      version: 3,
      source: 'drill' as const,
      passed: false,
      summary: 'p95 was 900 ms',
      figures: { p95Ms: 900 },
      at: now,
      by: ana,
      entry: 12,
    };
    twin.evidence = [one, { ...one, id: '01e0', check: 'R21', passed: true }];
    const { stdout, stderr } = await muster('evidence', 'list', 'fraud', '--check', 'r20', '-o', 'wide');
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect(stdout).toMatch(/^R20 +failed +\S+ +drill +ana +churn:3 +p95 was 900 ms +12 +p95Ms=900 +01e1$/m);
    expect(stderr).toMatch(/Prove it +.*audit prove 12/);
  });

  test('signs for the runbook that the endpoint names', async () => {
    twin.runbook = 'https://wiki.example.org/fraud';
    const words = ['evidence', 'attest', 'fraud', 'r29', '--statement', 'I opened it and it is right.'];
    expect((await muster(...words, '--figure', 'pages=3', '--figure', 'isComplete=true')).code).toBe(0);
    expect(twin.seen.at(-1)).toEqual({
      route: 'evidenceAttest',
      given: {
        check: 'R29',
        passed: true,
        statement: 'I opened it and it is right.',
        figures: { runbook: 'https://wiki.example.org/fraud', pages: 3, isComplete: true },
      },
    });
    twin.runbook = null;
    const without = await muster(...words);
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('endpoint update fraud --runbook URL')]);
    expect(await muster(...words, '--figure', 'three')).toMatchObject({ code: 64 });
  });

  test('signs that a check does not hold', async () => {
    await muster('evidence', 'attest', 'fraud', 'R20', '--statement', 'It was slow on Monday.', '--failed');
    expect(twin.seen.at(-1)?.given).toMatchObject({ check: 'R20', passed: false, figures: {} });
  });
});

describe('muster waiver', () => {
  test('is asked for with a reason and an end', async () => {
    const before = Date.now();
    const words = ['waiver', 'request', 'fraud', 'r21', '--reason', 'One runner until Monday.'];
    const { code, stdout, stderr } = await muster(...words, '--days', '30');
    expect([code, stdout]).toEqual([0, '01w1\n']);
    expect(stderr).toMatch(/waiver approve fraud 01w1 --reason TEXT/);
    const given = twin.seen.at(-1)?.given as { readonly check: string; readonly until: string };
    expect(given.check).toBe('R21');
    const days = (Date.parse(given.until) - before) / 86_400_000;
    expect(days).toBeGreaterThanOrEqual(30);
    expect(days).toBeLessThan(30.1);
    expect(await muster(...words, '--days', '91')).toMatchObject({ code: 64 });
    expect(await muster(...words)).toMatchObject({ code: 64 });
  });

  test('is decided by its id, or by its check where only one can be meant', async () => {
    twin.waivers = [twinWaiver(), twinWaiver({ id: '01w0', state: 'approved' })];
    const decide = async (verb: string, which: string): Promise<unknown> => {
      const ended = await muster('waiver', verb, 'fraud', which, '--reason', 'It is there on Monday.');
      return ended.code === 0 ? twin.seen.at(-1)?.route : ended.code;
    };
    expect(await decide('approve', 'R21')).toBe('waiverApprove');
    expect(await decide('reject', '01w1')).toBe('waiverReject');
    expect(await decide('revoke', 'r21')).toBe(64);
    expect(await decide('revoke', '01w0')).toBe('waiverRevoke');
    expect(await decide('approve', 'R22')).toBe(6);
  });

  test('is listed with who asked and who decided', async () => {
    const decided = { by: bob, at: now, reason: 'For a month.' };
    twin.waivers = [twinWaiver({ state: 'approved', decided })];
    const { stdout } = await muster('waiver', 'list', 'fraud', '-o', 'wide');
    expect(stdout).toMatch(/^R21 +approved +2026-12-24\S+ +One runner until Monday\. +ana +bob +01w1 +For a month\.$/m);
    expect(JSON.parse((await muster('waiver', 'list', 'fraud', '--json')).stdout)).toEqual({ items: twin.waivers });
  });
});

test('muster standing lists how it was earned and lost, newest first', async () => {
  const event = { at: now, model: 'churn', version: 3 } as const;
  twin.events = [
    { ...event, what: 'lapsed', reasons: ['R01: its owner ana is disabled'], by: null, entry: 51 },
    { ...event, what: 'granted', reasons: [], by: bob, entry: 40 },
  ];
  const { stdout, stderr } = await muster('standing', 'fraud');
  expect(stdout).toMatch(/^\S+ +lapsed +churn:3 +- +R01: its owner ana is disabled +51$/m);
  expect(stdout).toMatch(/^\S+ +granted +churn:3 +bob +40$/m);
  expect(stderr).toMatch(/Prove it +.*audit prove 51/);
  expect(JSON.parse((await muster('standing', 'fraud', '--json')).stdout)).toEqual({ items: twin.events });
  twin.events = [];
  expect((await muster('standing', 'fraud')).stderr).toContain('Nobody has asked for production');
});
