import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/muster.ts';
import { until } from '../support/until.ts';
import { type Stage, type Who, admin, openStage } from './stage.ts';

const endpoint = 'scan-triage';
const story = join(root, 'e2e/stories/scan-triage');
const model = join(story, 'text-orientation.onnx');

interface Outputs {
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data: readonly number[];
  }[];
}

/** Scans with names and diagnoses on them: high risk, so nothing goes by without two others who looked at it. */
describe('scan-triage', () => {
  let stage: Stage;
  let maker: Who;
  let first: Who;
  let second: Who;
  let archive: Who;
  let request: object;

  beforeAll(async () => {
    stage = await openStage('clinic', { readiness: { everyMs: 500 } });
    maker = await stage.person('rao', 'data-scientist', 'operator', 'approver');
    first = await stage.person('mara', 'approver');
    second = await stage.person('tom', 'approver');
    archive = await stage.person('archive');
    const { inputs } = (await jsonIn('inputs.json')) as { readonly inputs: readonly object[] };
    request = { inputs };
  }, 120_000);

  afterAll(async () => await stage?.close());

  const infer = async (who: Who): Promise<number> => await stage.statusOf(who, `/v2/models/${endpoint}/infer`, request);

  it('is proposed, and accepted as one that may do harm', async () => {
    await stage.as(
      maker,
      'usecase propose upright-scans --team clinic --title "Put scans the right way up" --problem "One scan in ten is filed upside down, and is not found again." --baseline "A clerk turns them, 40 hours a month" --alternatives "Scanners that see it: too dear"',
    );
    await stage.as(
      maker,
      'usecase review upright-scans --decision yes --baseline yes --labels yes --volume yes --tolerance yes --rule yes',
    );
    await stage.as(
      first,
      'usecase accept upright-scans --risk-tier high --reason "Names and diagnoses are on them: only with two reviewers."',
    );
    expect(await stage.as(maker, 'usecase show upright-scans')).toMatch(/accepted[\s\S]*high/);
  });

  it('is tried out under a name of its own, and answers as at home within what builds of ONNX Runtime differ by', async () => {
    await stage.as(maker, `deploy ${model} --name scan-trial --team clinic`);
    const { outputs } = (await stage.ask(maker, '/v2/models/scan-trial/infer', request)) as Outputs;
    const { outputs: home, tolerance } = (await jsonIn('expected.json')) as Outputs & { readonly tolerance: number };
    const apart = (outputs[0]?.data ?? []).map((value, at) => Math.abs(value - (home[0]?.data[at] ?? NaN)));
    expect(apart.length).toBe(4);
    expect(Math.max(...apart)).toBeLessThan(tolerance);
    // What it answered here goes with the version: from then on every replica has to answer the same.
    const sample = outputs.map(({ name, datatype, shape, data }) => ({ name, datatype, shape, data }));
    await writeFile(join(stage.place.folder, 'sample.json'), JSON.stringify({ ...request, outputs: sample }));
    await stage.as(maker, 'endpoint delete scan-trial --yes');
  }, 60_000);

  it('is handed over with that sample, for the team only', async () => {
    const sample = join(stage.place.folder, 'sample.json');
    await stage.as(maker, `deploy ${model} --name ${endpoint} --team clinic --sample ${sample}`);
    await stage.as(maker, `endpoint update ${endpoint} --objective "p95<2s@5rps,errors<1%"`);
    expect(await infer(maker)).toBe(200);
    await stage.as(maker, `access grant ${endpoint} archive`);
    await until('the rule is known', 10_000, async () => (await infer(archive)) === 403);
  }, 60_000);

  it('is refused production with the gaps by name, also to who holds every role', async () => {
    await expect(stage.as(maker, `submit ${endpoint}`)).rejects.toThrow(/R02[\s\S]*R20[\s\S]*R21[\s\S]*R22[\s\S]*R29/);
    expect(await stage.standing(endpoint)).toBe('none');
  });

  it('closes each gap by the command beside it', async () => {
    await stage.closeGaps(maker, endpoint, {
      R02: 'upright-scans',
      R29: 'https://wiki.example.org/scans',
    });
    expect(await stage.gaps(endpoint)).toEqual(['R19']);
  }, 120_000);

  it('needs two others: neither its author nor one approver is enough', async () => {
    await stage.as(maker, `submit ${endpoint}`);
    const approve = `approve ${endpoint} --reason "I looked at the figures and the runbook." --yes`;
    await expect(stage.as(maker, approve)).rejects.toThrow(/not_allowed/);
    await stage.as(first, approve);
    expect(await stage.standing(endpoint)).toBe('waiting');
    await expect(stage.as(first, approve)).rejects.toThrow(/already_approved/);
    expect(await infer(archive)).toBe(403);

    await stage.as(second, approve);
    expect(await stage.standing(endpoint)).toBe('in production');
    await until('the archive may call it', 10_000, async () => (await infer(archive)) === 200);
    const { verdict } = await stage.readiness(endpoint);
    const review = verdict.checks.find(({ id }) => id === 'R19');
    expect([verdict.level, review?.outcome.state]).toEqual(['gold', 'passed']);
  }, 60_000);

  it('cannot do without the review: that is never waived', async () => {
    await expect(
      stage.as(maker, `waiver request ${endpoint} R19 --reason "There is no time for it now." --days 30`),
    ).rejects.toThrow(/waiver_not_allowed/);
  });

  it('leaves no pixel in the ledger', async () => {
    const file = join(stage.place.folder, 'ledger.jsonl');
    await stage.as(admin, `audit export -o ${file}`);
    const ledger = await readFile(file, 'utf8');
    expect(ledger).toContain('readiness.approve');
    expect(ledger).not.toMatch(/(?:-?1,){20}/);
  });

  async function jsonIn(name: string): Promise<unknown> {
    return JSON.parse(await readFile(join(story, name), 'utf8'));
  }
});
