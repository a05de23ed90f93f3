import { execFile, execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CallOptions, type Client, createClient } from '@muster-ml/client';
import type { CheckResult, Readiness } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, type Who, openStage } from './stories/stage.ts';
import { launcher, root } from './support/muster.ts';
import { withMark } from './support/onnx-copy.ts';
import { pythonVersion } from './support/python.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const hasPython = pythonVersion() !== undefined || process.env['CI'] === 'true';
const file = join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx');
const reason = 'It is what this test is about.';

/** Each check passes and fails for what people and models do, not for a field that a test has set. R19 does so in standing.test.ts. */
describe('each check of the rubric', () => {
  let stage: Stage;
  let maker: Who;
  let approver: Who;
  let client: Client;
  let admin: Client;

  beforeAll(async () => {
    stage = await openStage('risk', { environment: 'dev', readiness: { everyMs: 500 } });
    maker = await stage.person('maker', 'data-scientist', 'operator');
    approver = await stage.person('approver', 'approver');
    client = createClient({ url: stage.muster.url, token: maker['MUSTER_TOKEN'] ?? '' });
    admin = stage.muster.client;
    const tensor = { datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] };
    await writeFile(
      join(stage.place.folder, 'sample.json'),
      JSON.stringify({ inputs: [{ name: 'x', ...tensor }], outputs: [{ name: 'y', ...tensor }] }),
    );
    await stage.as(
      maker,
      `deploy ${file} --name fraud --team risk --sample ${join(stage.place.folder, 'sample.json')}`,
    );
  }, 120_000);
  afterAll(async () => await stage?.close());

  async function readiness(endpoint: string): Promise<Readiness> {
    return await client.call('endpointReadiness', { params: { endpoint }, query: {} });
  }
  async function check(id: string, endpoint = 'fraud'): Promise<CheckResult> {
    const found = (await readiness(endpoint)).verdict.checks.find((one) => one.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  }
  const state = async (id: string, endpoint?: string): Promise<string> => (await check(id, endpoint)).outcome.state;
  const update = async (body: NonNullable<CallOptions<'endpointUpdate'>['body']>): Promise<void> => {
    await client.call('endpointUpdate', { params: { endpoint: 'fraud' }, body });
  };

  it('R01 asks for a person who is there and belongs to the team', async () => {
    expect(await state('R01')).toBe('passed');
    const bot = await admin.call('actorCreate', { body: { name: 'bot', kind: 'service', team: 'risk' } });
    await update({ owner: bot.name });
    expect(await state('R01')).toBe('failed');
    const colleague = await stage.person('colleague', 'operator');
    await createClient({ url: stage.muster.url, token: colleague['MUSTER_TOKEN'] ?? '' }).call('whoami');
    await update({ owner: 'colleague' });
    expect(await state('R01')).toBe('passed');
    const { id } = await admin.call('actorGet', { params: { actor: 'colleague' } });
    await admin.call('roleRevoke', { params: { team: 'risk', actor: id, role: 'operator' } });
    expect((await check('R01')).outcome).toMatchObject({
      state: 'failed',
      summary: expect.stringContaining('no role') as unknown,
    });
    await admin.call('roleGrant', { params: { team: 'risk', actor: id, role: 'operator' } });
    expect(await state('R01')).toBe('passed');
    await admin.call('actorUpdate', { params: { actor: 'colleague' }, body: { disabled: true } });
    expect((await check('R01')).outcome).toMatchObject({
      state: 'failed',
      summary: expect.stringContaining('disabled') as unknown,
    });
    await update({ owner: 'maker' });
    expect(await state('R01')).toBe('passed');
  });

  it('R02 asks for a use case that somebody accepted, and that still is one', async () => {
    expect(await state('R02')).toBe('missing');
    const params = { useCase: 'cards' };
    const body = { name: 'cards', team: 'risk', title: 'Cards', problem: 'Fraud costs us.' };
    await client.call('useCasePropose', { body });
    await update({ useCase: 'cards' });
    expect(await state('R02')).not.toBe('passed');
    const yes = { answer: 'yes', note: '' } as const;
    const answers = { decision: yes, baseline: yes, labels: yes, volume: yes, tolerance: yes, rule: yes };
    await client.call('useCaseReview', { params, body: { answers } });
    const approving = createClient({ url: stage.muster.url, token: approver['MUSTER_TOKEN'] ?? '' });
    await approving.call('useCaseAccept', { params, body: { reason, riskTier: 'minimal' } });
    expect(await state('R02')).toBe('passed');
    await approving.call('useCaseRetire', { params, body: { reason } });
    expect(await state('R02')).toBe('failed');
  });

  it('R06 and R07 ask for a sample, and that it is reproduced here', async () => {
    expect([await state('R06'), await state('R07')]).toEqual(['passed', 'passed']);
    await stage.as(maker, `model push ${file} --name bare --team risk`);
    const params = { model: 'bare', version: 1 };
    const before = await client.call('versionReadiness', { params });
    const states = new Map(before.verdict.checks.map(({ id, outcome }) => [id, outcome.state]));
    expect([states.get('R05'), states.get('R06'), states.get('R07')]).toEqual(['passed', 'missing', 'missing']);
    await stage.as(maker, 'deploy bare:1 --name bare --team risk');
    expect([await state('R06', 'bare'), await state('R07', 'bare')]).toEqual(['missing', 'missing']);
    const sampled = await client.call('versionReadiness', { params: { model: 'fraud', version: 1 } });
    const outcomes = new Map(sampled.verdict.checks.map(({ id, outcome }) => [id, outcome.state]));
    expect([outcomes.get('R06'), outcomes.get('R07')]).toEqual(['passed', 'unknown']);
  }, 60_000);

  it.skipIf(!hasPython)(
    'R05 asks for a file that runs nothing on the way',
    async () => {
      expect(await state('R05')).toBe('passed');
      const folder = join(stage.place.folder, 'sly');
      await mkdir(folder);
      await writeFile(
        join(folder, 'model.py'),
        'def load(path):\n    return 2\n\n\ndef predict(model, data):\n    return [row["a"] * model for row in data]\n',
      );
      const program = `
import pickle, sys
class Sly:
    def __reduce__(self):
        return (eval, ("1 + 1",))
pickle.dump(Sly(), open(sys.argv[1], "wb"), protocol=4)
`;
      execFileSync('python3', ['-I', '-c', program, join(folder, 'weights.pkl')]);
      await stage.as(maker, `model push ${folder} --name sly --team risk --sample ${await rows()}`);
      const { verdict } = await client.call('versionReadiness', { params: { model: 'sly', version: 1 } });
      expect(verdict.checks.find(({ id }) => id === 'R05')?.outcome).toMatchObject({
        state: 'failed',
        summary: expect.stringContaining('eval') as unknown,
      });
    },
    240_000,
  );

  it('R20, R21 and R22 ask for drills that hold', async () => {
    const states = async () => [await state('R20'), await state('R21'), await state('R22')];
    expect(await states()).toEqual(['missing', 'missing', 'missing']);
    // Nothing answers so fast, and no request has the time to be answered.
    await stage.as(maker, 'endpoint update fraud --objective "p95<0.001ms@10rps,errors<1%"');
    const drill = async (kind: string): Promise<string> => await stage.as(maker, `drill ${kind} fraud --seconds 2`);
    await expect(drill('load')).rejects.toThrow(/drill load/);
    await update({ limits: { timeoutMs: 1 } });
    await expect(drill('failover')).rejects.toThrow(/drill failover/);
    await expect(drill('rollback')).rejects.toThrow(/drill rollback/);
    expect(await states()).toEqual(['failed', 'failed', 'failed']);
    await update({ limits: { timeoutMs: 10_000 } });
    await stage.as(maker, 'endpoint update fraud --objective "p95<2s@10rps,errors<1%"');
    for (const kind of ['load', 'failover', 'rollback']) await drill(kind);
    expect(await states()).toEqual(['passed', 'passed', 'passed']);
    // What was measured against less is no evidence for more.
    await stage.as(maker, 'endpoint update fraud --objective "p95<1s@10rps,errors<1%"');
    expect(await state('R20')).not.toBe('passed');
  }, 180_000);

  it('R23 asks for a time as canary or shadow, but not of the first version', async () => {
    expect(await state('R23')).toBe('not-applicable');
    const second = join(stage.place.folder, 'second.onnx');
    await writeFile(second, withMark(await readFile(file), 'second'));
    const sample = join(stage.place.folder, 'sample.json');
    await stage.as(maker, `deploy ${second} --name fraud --model fraud --sample ${sample}`);
    expect(await state('R23')).toBe('missing');
    await stage.as(maker, 'deploy fraud:2 --name fraud --canary 50%');
    await until('the canary answered', 30_000, async () => {
      await stage.as(maker, 'predict fraud');
      return (await state('R23')) === 'passed';
    });
  }, 120_000);

  it('R29 asks for a runbook that somebody opened, the one that is there now', async () => {
    const attest = async () =>
      await client.call('evidenceAttest', {
        params: { endpoint: 'fraud' },
        body: { check: 'R29', statement: 'I opened it, and it says what to do.' },
      });
    expect(await state('R29')).toBe('missing');
    await expect(attest()).rejects.toThrow(/runbook/);
    await update({ runbook: 'https://wiki.example.org/fraud' });
    expect(await state('R29')).not.toBe('passed');
    await attest();
    expect(await state('R29')).toBe('passed');
    await update({ runbook: 'https://wiki.example.org/fraud-new' });
    expect(await state('R29')).not.toBe('passed');
  });

  it('R31 asks that nobody may call it who is gone', async () => {
    expect(await state('R31')).toBe('passed');
    await stage.person('caller');
    const { id } = await admin.call('actorGet', { params: { actor: 'caller' } });
    const params = { endpoint: 'fraud', subjectKind: 'actor' as const, subject: id };
    await client.call('accessSet', { params, body: {} });
    expect(await state('R31')).toBe('passed');
    await admin.call('actorUpdate', { params: { actor: 'caller' }, body: { disabled: true } });
    expect(await state('R31')).toBe('failed');
    await client.call('accessEnd', { params });
    expect(await state('R31')).toBe('passed');
  });

  it('is waived by somebody else than who asks, until it is revoked', async () => {
    expect((await check('R29')).holds).toBe(false);
    await stage.as(maker, `waiver request fraud R29 --reason "${reason}" --days 10`);
    await expect(stage.as(maker, `waiver approve fraud R29 --reason "${reason}" --yes`)).rejects.toThrow(
      /waiver.decide|not_allowed/,
    );
    await stage.as(approver, `waiver approve fraud R29 --reason "${reason}" --yes`);
    expect(await check('R29')).toMatchObject({ holds: true, waiver: { reason } });
    await stage.as(maker, `waiver revoke fraud R29 --reason "${reason}" --yes`);
    expect((await check('R29')).holds).toBe(false);
  }, 60_000);

  it('is told of a file without a server, and of an endpoint by the level that is asked', async () => {
    const example = join(root, 'examples/breast-cancer');
    const home = { ...stage.place.environment, MUSTER_SERVER: 'http://127.0.0.1:9', NO_COLOR: '1' };
    const local = async (...words: string[]) =>
      await run(process.execPath, [launcher, 'check', ...words], { env: home, timeout: 60_000 }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { readonly code: number; readonly stdout: string }) => error,
      );
    const bare = await local(join(example, 'model-v1.onnx'));
    expect([bare.code, bare.stdout]).toEqual([1, expect.stringMatching(/R05[\s\S]*R06[\s\S]*--sample/)]);
    await expect(stage.as(maker, 'check fraud --level silver')).rejects.toThrow(/check fraud/);
  }, 60_000);

  async function rows(): Promise<string> {
    const path = join(stage.place.folder, 'rows.csv');
    await writeFile(path, 'a,b\n1,2\n3,4\n');
    return path;
  }
});
