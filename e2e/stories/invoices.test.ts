import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TimeToProduction } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/muster.ts';
import { pythonVersion } from '../support/python.ts';
import { until } from '../support/until.ts';
import { type Stage, type Who, openStage } from './stage.ts';

const hasPython = pythonVersion() !== undefined || process.env['CI'] === 'true';
const endpoint = 'invoices';

interface Week {
  readonly rows: readonly object[];
  readonly expected: readonly string[];
}

/** A small automation of little harm and little worth: into production with one approval, and out again by one decision. */
describe.skipIf(!hasPython)('invoices', () => {
  let stage: Stage;
  let maker: Who;
  let lead: Who;
  let bookkeeping: Who;
  let week: Week;
  let made = '';

  beforeAll(async () => {
    stage = await openStage('finance', { readiness: { everyMs: 500 } });
    maker = await stage.person('jo', 'data-scientist', 'operator');
    lead = await stage.person('lena', 'approver');
    bookkeeping = await stage.person('bookkeeping');
    made = join(stage.place.folder, 'made');
    await promisify(execFile)('python3', [join(root, 'e2e/stories/invoices/train.py'), made]);
    week = JSON.parse(await readFile(join(made, 'week.json'), 'utf8')) as Week;
  }, 120_000);

  afterAll(async () => await stage?.close());

  const book = async (who: Who): Promise<number> =>
    await stage.statusOf(who, `/predict/${endpoint}`, { rows: week.rows });
  const fleet = async (flags: string): Promise<readonly { readonly name: string; readonly standing: string }[]> => {
    const answer = await stage.as(lead, `fleet ${flags} --json`);
    return (JSON.parse(answer) as { readonly items: readonly { readonly name: string; readonly standing: string }[] })
      .items;
  };

  it('is worth a try, and can do little harm', async () => {
    await stage.as(
      maker,
      'usecase propose book-invoices --team finance --title "Book invoices" --problem "Twenty invoices a week are booked by hand." --baseline "Two minutes each, one in fifty wrong" --sponsor "Bookkeeping"',
    );
    await stage.as(
      maker,
      'usecase review book-invoices --decision yes --baseline yes --labels yes --volume unknown --tolerance yes --rule unknown',
    );
    await stage.as(
      lead,
      'usecase accept book-invoices --risk-tier minimal --reason "A wrong account is found at the end of the month."',
    );
    expect(await stage.as(maker, 'usecase show book-invoices')).toMatch(/accepted[\s\S]*minimal/);
  });

  it('is handed over with its use case, and books a week as at home', async () => {
    await stage.as(
      maker,
      `deploy ${join(made, 'booking')} --name ${endpoint} --team finance --use-case book-invoices --sample ${join(made, 'sample.json')}`,
    );
    const answer = await stage.ask(maker, `/predict/${endpoint}`, { rows: week.rows });
    const { predictions } = answer as { readonly predictions: readonly { readonly prediction: string }[] };
    expect(predictions.map(({ prediction }) => prediction)).toEqual(week.expected);
  }, 120_000);

  it('is in production with one approval, and bookkeeping may call it', async () => {
    await stage.as(maker, `access grant ${endpoint} bookkeeping`);
    await stage.as(maker, `endpoint update ${endpoint} --objective "p95<2s@5rps,errors<1%"`);
    await stage.closeGaps(maker, endpoint, { R29: 'https://wiki.example.org/invoices' });
    await stage.as(maker, `submit ${endpoint}`);
    await stage.as(lead, `approve ${endpoint} --reason "It books as people do, and its runbook works." --yes`);
    expect(await stage.standing(endpoint)).toBe('in production');
    await until('bookkeeping may call it', 10_000, async () => (await book(bookkeeping)) === 200);
    expect(await fleet('--orphans')).toEqual([]);
  }, 120_000);

  it('says how long that took, and where the time went', async () => {
    const { all, newcomers, waitingCount } = JSON.parse(
      await stage.as(lead, 'insights time --json'),
    ) as TimeToProduction;
    expect([all.total.count, newcomers.total.count, waitingCount]).toEqual([1, 1, 0]);
    const known = all.stages.map(({ medianMs }) => medianMs ?? NaN);
    expect(known.reduce((sum, ms) => sum + ms, 0)).toBe(all.total.medianMs);
    expect(Math.min(...known)).toBeGreaterThanOrEqual(0);
    expect(await stage.as(lead, 'insights time')).toMatch(/To production: 1 endpoint[\s\S]*proving/);
  });

  it('is retired by one decision: it lapses, shows as an orphan, and whom it serves is served', async () => {
    await stage.as(
      lead,
      'usecase retire book-invoices --reason "A rule in the bookkeeping software does most of it now."',
    );
    await until('it lapsed', 30_000, async () => (await stage.standing(endpoint)) === 'lapsed');
    expect(await stage.gaps(endpoint)).toEqual(['R02']);
    expect((await stage.readiness(endpoint)).standing.reasons.join(' ')).toMatch(/R02/);
    expect(await fleet('--orphans')).toMatchObject([{ name: endpoint, standing: 'lapsed' }]);
    expect(await book(bookkeeping)).toBe(200);
  }, 60_000);

  it('takes no new callers from then on, and who called it is known when it ends', async () => {
    await stage.person('reporting');
    await expect(stage.as(maker, `access grant ${endpoint} reporting`)).rejects.toThrow(/standing_lapsed/);
    await until('the calls are counted', 15_000, async () =>
      (await stage.as(maker, `endpoint callers ${endpoint}`)).includes('bookkeeping'),
    );
    await stage.as(maker, `endpoint delete ${endpoint} --yes`);
    expect(await book(bookkeeping)).not.toBe(200);
    // What it did stays provable, and it counts among what came into production.
    expect(await stage.as(maker, `history ${endpoint}`)).toContain(`${endpoint} (deleted)`);
    const report = JSON.parse(await stage.as(lead, 'insights time --json')) as TimeToProduction;
    expect(report.all.total.count).toBe(1);
  }, 60_000);
});
