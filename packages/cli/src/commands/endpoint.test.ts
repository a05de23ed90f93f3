import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EndpointTwin, startEndpointTwin } from '../../test-support/endpoint-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;
let twin: EndpointTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startEndpointTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(...words: readonly string[]): Promise<Ended> {
  return await home.run([...words], { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}

describe('muster endpoint update', () => {
  test('says whose it is, why it exists, what callers may count on, and what to do when something is wrong', async () => {
    const url = 'https://wiki.example.com/fraud';
    const given = ['--owner', 'ana', '--use-case', 'card-fraud', '--runbook', url];
    const { code } = await muster('endpoint', 'update', 'fraud', ...given, '--objective', 'p99<50ms@20rps,errors<0.1%');
    expect(code).toBe(0);
    expect(twin.updates).toEqual([
      {
        owner: 'ana',
        useCase: 'card-fraud',
        runbook: url,
        objective: { percentile: 99, latencyMs: 50, requestsPerSecond: 20, errorPercent: 0.1 },
      },
    ]);
  });

  test('takes away what is none', async () => {
    await muster('endpoint', 'update', 'fraud', '--use-case', 'none', '--runbook', 'none', '--objective', 'none');
    expect(twin.updates).toEqual([{ useCase: null, runbook: null, objective: null }]);
  });

  test('asks the server nothing where the objective makes no sense, and says which part', async () => {
    const { code, stderr } = await muster('endpoint', 'update', 'fraud', '--objective', 'p95<200ms@20');
    expect(code).toBe(64);
    expect(stderr).toContain('`@20` is no load');
    expect(twin.updates).toEqual([]);
  });

  test('with nothing to change says what can be', async () => {
    const { code, stderr } = await muster('endpoint', 'update', 'fraud');
    expect(code).toBe(64);
    expect(stderr).toContain('--owner, --use-case, --objective, --runbook');
  });
});

describe.each([
  ['muster endpoint show', ['endpoint', 'show', 'fraud']],
  ['muster status', ['status', 'fraud']],
] as const)('%s', (_name, words) => {
  test('shows whose it is, why it exists, what callers may count on, and since when it is in production', async () => {
    twin.since = '2026-11-02T00:00:00.000Z';
    twin.endpoint = {
      ...twin.endpoint,
      useCase: 'card-fraud',
      objective: { percentile: 95, latencyMs: 200, requestsPerSecond: 20, errorPercent: 1 },
      runbook: 'https://wiki.example.com/fraud',
      standing: 'in production',
    };
    const { stdout } = await muster(...words);
    expect(stdout).toMatch(/^standing +in production since 2026-11-02T/m);
    expect(stdout).toMatch(/^owner +Ana$/m);
    expect(stdout).toMatch(/^use case +card-fraud$/m);
    expect(stdout).toMatch(/^objective +p95<200ms@20rps,errors<1%$/m);
    expect(stdout).toMatch(/^runbook +https:\/\/wiki.example.com\/fraud$/m);
  });

  test('does not say that what is only deployed is in production', async () => {
    const { stdout } = await muster(...words);
    expect(stdout).toMatch(/^standing +deployed$/m);
    expect(stdout).toMatch(/^use case +none: nobody said why it exists$/m);
  });

  test('of one that something else serves shows no address to call', async () => {
    twin.endpoint = { ...twin.endpoint, kind: 'observed', standing: 'observed', ready: false, deployments: [] };
    const { stdout, stderr } = await muster(...words);
    expect(stdout).toMatch(/^state +observed: something else serves it$/m);
    expect(stdout).not.toContain('/predict/');
    expect(stderr).toContain('observed show fraud');
  });
});
