import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type HistoryTwin,
  startHistoryTwin,
  twinFleetEndpoint,
  twinInterval,
} from '../../test-support/history-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;
let twin: HistoryTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startHistoryTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(...words: string[]): Promise<Ended> {
  return await home.run(words, { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}

const bob = { id: 'a2', name: 'bob' };
const canary = twinInterval({
  role: 'canary',
  version: 4,
  sharePercent: 10,
  from: '2026-11-02T00:00:00.000Z',
  decision: { by: bob, action: 'endpoint.deploy', entry: 9 },
});
const beside = twinInterval({ sharePercent: 90, from: canary.from, decision: canary.decision });

describe('muster history', () => {
  test('says in a sentence what an endpoint answered with at a moment, and proves the last decision', async () => {
    twin.intervals = [canary, beside];
    const { code, stdout, stderr } = await muster('history', '--at', '2026-11-03T12:00Z', 'fraud');
    expect(code).toBe(0);
    const [title, live, share, , sentence] = stdout.trim().split('\n');
    expect(title).toMatch(/^ENDPOINT +ROLE +VERSION +SHARE +FROM +UNTIL +DECIDED +ENTRY$/);
    expect(live).toMatch(/^fraud +live +churn:3 +█████████░ {2}90 % +2026-\S+ +now +deploy by bob +9$/);
    expect(share).toMatch(/^fraud +canary +churn:4 +█░░░░░░░░░ {2}10 %/);
    expect(sentence).toBe(
      'At 2026-11-03T12:00:00.000Z, fraud answered with churn:3 (90 %) and churn:4 (10 %), decided by bob.',
    );
    expect(stderr).toMatch(/Prove it +.*audit prove 9/);
    expect(twin.seen).toEqual([
      { endpoint: 'fraud', limit: 1 },
      { endpoint: 'fraud', at: '2026-11-03T12:00:00.000Z', limit: 1000 },
    ]);
  });

  test('names copies for what they are, and nobody where the platform ended it', async () => {
    twin.intervals = [
      twinInterval({ role: 'shadow', version: 5, sharePercent: 50 }),
      twinInterval({ decision: { by: { id: 'a9', name: null }, action: null, entry: null } }),
    ];
    expect((await muster('history', '--at', '1h', 'fraud')).stdout).toMatch(
      /fraud answered with churn:3 \(100 %\) and copied to churn:5 \(50 %\), decided by ana\./,
    );
    const gone = { by: null, action: 'system.deployment.quarantined', entry: 12 };
    twin.intervals = [
      twinInterval({ until: '2026-11-05T00:00:00.000Z', end: gone, why: 'quarantined', deleted: true }),
    ];
    const { stdout } = await muster('history', 'fraud', '-o', 'wide');
    expect(stdout).toMatch(
      /fraud \(deleted\) .*2026-11-05T00:00:00.000Z \(quarantined\) +deploy by ana +7 +quarantined +12/,
    );
  });

  test('takes a name for an endpoint, else for a model, and one with a number for a version', async () => {
    twin.intervals = [twinInterval({ endpoint: 'churn', model: 'other' }), twinInterval()];
    const asked = async (...words: string[]): Promise<unknown> => {
      twin.seen.length = 0;
      expect((await muster('history', ...words)).code).toBe(0);
      const { limit: _limit, ...query } = twin.seen.at(-1) ?? {};
      return query;
    };
    expect(await asked('churn')).toEqual({ endpoint: 'churn' });
    expect(await asked('churn', '--model')).toEqual({ model: 'churn' });
    expect(await asked('other')).toEqual({ model: 'other' });
    expect(await asked('churn:3', '--since', '2026-11-01')).toEqual({
      model: 'churn',
      version: 3,
      from: '2026-11-01T00:00:00.000Z',
    });
    expect(await asked()).toEqual({});
  });

  test('tells nothing live then from a name that there never was', async () => {
    twin.intervals = [twinInterval()];
    const early = await muster('history', '--at', '2026-10-01', 'fraud');
    expect([early.code, early.stdout, early.stderr]).toEqual([
      0,
      '',
      'Nothing was live at 2026-10-01T00:00:00.000Z.\n',
    ]);
    expect(await muster('history', 'fruad')).toMatchObject({ code: 6 });
    expect(await muster('history', 'fraud@champion')).toMatchObject({ code: 64 });
    expect(await muster('history', '--at', '1h', '--since', '2h')).toMatchObject({ code: 64 });
  });

  test('is JSON for programs', async () => {
    twin.intervals = [canary, beside];
    const { stdout, stderr } = await muster('history', 'fraud', '--json');
    expect(JSON.parse(stdout)).toEqual({ items: [canary, beside] });
    expect(stderr).toBe('');
  });

  test('says when there is more than it shows', async () => {
    twin.intervals = [canary, beside];
    const { stdout, stderr } = await muster('history', '--limit', '1');
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect(stderr).toContain('--limit 2');
  });
});

describe('muster fleet', () => {
  test('shows every endpoint on a line, and a dash where nothing is counted', async () => {
    twin.fleet = [
      twinFleetEndpoint({
        canary: { model: 'churn', version: 4, sharePercent: 10 },
        useCase: 'card-fraud',
        standing: 'in production',
        standingSince: '2026-11-02T00:00:00.000Z',
      }),
      twinFleetEndpoint({ name: 'rank', live: null, standing: 'stopped', usage: null }),
    ];
    const { stdout } = await muster('fleet', '--team', 'default', '--sort', 'errors');
    const [title, fraud, rank] = stdout.trim().split('\n');
    expect(title).toMatch(/^NAME +TEAM +OWNER +USE CASE +STANDING +VERSIONS +CALLERS +REQUESTS +ERRORS +CHANGED +BY$/);
    expect(fraud).toMatch(
      /^fraud +default +ana +card-fraud +in production +churn:3, churn:4 \(canary 10 %\) +2 +1,234 +5 +2026-\S+ +ana$/,
    );
    expect(rank).toMatch(/^rank +default +ana +- +stopped +- +- +- +- +2026-\S+ +ana$/);
    expect(twin.seen).toEqual([{ team: 'default', sort: 'errors', limit: 1000 }]);
  });

  test('asks for endpoints of a standing, and for those that nobody accepted a use case of', async () => {
    twin.fleet = [];
    const { stderr } = await muster('fleet', '--standing', 'lapsed', '--orphans');
    expect(twin.seen).toEqual([{ standing: 'lapsed', orphans: true, sort: 'name', limit: 1000 }]);
    expect(stderr).toContain('No endpoint matches');
    expect(await muster('fleet', '--standing', 'fine')).toMatchObject({ code: 64 });
  });

  test('refuses an order that there is not', async () => {
    expect(await muster('fleet', '--sort', 'cost')).toMatchObject({ code: 64 });
  });

  test('is JSON for programs', async () => {
    twin.fleet = [twinFleetEndpoint()];
    expect(JSON.parse((await muster('fleet', '--json')).stdout)).toEqual({ items: twin.fleet });
  });
});
