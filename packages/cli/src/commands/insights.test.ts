import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type InsightsTwin, noTimes, startInsightsTwin, twinTimes } from '../../test-support/insights-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;
let twin: InsightsTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startInsightsTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return await home.run(words, { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token, ...env } });
}

const waiting = (endpoint: string, days: number) => ({
  endpoint,
  team: 'risk',
  stage: 'proving' as const,
  waitsFor: 'operator',
  since: '2026-10-01T00:00:00.000Z',
  ms: days * 86_400_000,
});

describe('muster insights time', () => {
  beforeEach(() => {
    twin.report = {
      all: twinTimes(12, [3, 6, 0, 18, 3]),
      newcomers: twinTimes(2, [3, 6, 0, 18, 3], 41),
      teams: [
        { team: 'growth', ...twinTimes(4, [20, 1, 1, 4, 4]) },
        { team: 'risk', ...twinTimes(8, [1, 1, 1, 20, 1]) },
      ],
      waiting: [waiting('fraud', 44), waiting('rank', 1.5)],
      waitingCount: 2,
    };
  });

  test('shows where the time goes, for whom it waits, and the command for what waits longest', async () => {
    const { code, stdout, stderr } = await muster(['insights', 'time']);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'To production: 12 endpoints, median 30 d, p90 50 d.',
      'Of newcomers:  2 endpoints, median 41 d, p90 50 d.',
      '',
      'STAGE      MEDIAN    P90  SHARE OF THE TIME  WAITS FOR',
      'deciding    3.0 d  3.0 d  █░░░░░░░░░  10 %   approver',
      'building    6.0 d  6.0 d  ██░░░░░░░░  20 %   data scientist',
      'deploying     0 s    0 s  ░░░░░░░░░░   0 %   data scientist',
      'proving      18 d   18 d  ██████░░░░  60 %   operator',
      'approving   3.0 d  3.0 d  █░░░░░░░░░  10 %   approver',
      '',
      'TEAM    ENDPOINTS  MEDIAN   P90  MOST OF IT',
      'growth          4    30 d  50 d  deciding 67 %',
      'risk            8    30 d  50 d  proving 83 %',
      '',
      'WAITING  TEAM  STAGE      FOR  WAITS FOR',
      'fraud    risk  proving   44 d  operator',
      'rank     risk  proving  1.5 d  operator',
    ]);
    expect(stderr).toMatch(/What is missing +.*muster\S* check fraud/);
  });

  test('draws with plain characters where the terminal has no others', async () => {
    const { stdout } = await muster(['insights', 'time'], { LANG: 'C' });
    expect(stdout).toContain('######....  60 %');
  });

  test('asks for a team and a time', async () => {
    await muster(['insights', 'time', '--team', 'risk', '--from', '2026-10-01', '--until', '2026-11-01']);
    expect(twin.seen).toEqual([{ team: 'risk', from: '2026-10-01T00:00:00.000Z', until: '2026-11-01T00:00:00.000Z' }]);
    expect(await muster(['insights', 'time', '--from', 'spring'])).toMatchObject({ code: 64 });
  });

  test('says so where nothing came into production, and names what waits all the same', async () => {
    twin.report = { ...noTimes, waiting: [waiting('fraud', 2)], waitingCount: 1 };
    const { stdout, stderr } = await muster(['insights', 'time']);
    expect(stderr).toContain('No endpoint that you may see came into production in that time.');
    expect(stdout).toContain('fraud');
    twin.report = noTimes;
    expect(await muster(['insights', 'time'])).toMatchObject({ code: 0, stdout: '' });
  });

  test('shows ten of those that wait, and counts all', async () => {
    const many = Array.from({ length: 100 }, (_, at) => waiting(`e-${at}`, 100 - at));
    twin.report = { ...twin.report, waiting: many, waitingCount: 250 };
    const { stdout, stderr } = await muster(['insights', 'time']);
    expect(stdout.match(/^e-\d+ /gm)).toHaveLength(10);
    expect(stderr).toContain('250 wait; these have waited longest.');
  });

  test('is JSON for programs, and names of what waits', async () => {
    const { stdout, stderr } = await muster(['insights', 'time', '--json']);
    expect([JSON.parse(stdout), stderr]).toEqual([twin.report, '']);
    expect((await muster(['insights', 'time', '-o', 'name'])).stdout).toBe('fraud\nrank\n');
  });
});
