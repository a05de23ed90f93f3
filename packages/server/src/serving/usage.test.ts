import { describe, expect, test } from 'vitest';
import { aDeployment, anEndpoint } from '../../test-support/serving-twins.ts';
import { createTableLimits } from './limits.ts';
import { type CountedObservation, type Usage, createUsage } from './usage.ts';
import type { UsageReport } from './usage-report.ts';

const hour = Date.UTC(2026, 10, 30, 9);
const endpoint = anEndpoint('e', [], { team: 'risk' });
const deployment = aDeployment('d', 'unix:/r', { model: 'scores', version: '7' });

function aCall(overrides: Partial<CountedObservation> & { readonly actor?: string } = {}): CountedObservation {
  const { actor = 'ana', ...rest } = overrides;
  return {
    call: { endpoint, actor },
    deployment,
    status: 200,
    code: undefined,
    rows: 2,
    runMicros: 1500,
    ...rest,
  };
}

function someUsage(maxKeys?: number): { readonly usage: Usage; readonly state: { nowMs: number } } {
  const state = { nowMs: hour + 5 };
  const clock = { now: () => state.nowMs, after: () => () => undefined };
  const limits = createTableLimits(clock);
  return { usage: createUsage({ clock, stream: 's', limits, ...(maxKeys === undefined ? {} : { maxKeys }) }), state };
}

function answered(usage: Usage, report: UsageReport | undefined): void {
  if (report !== undefined) usage.kept({ stream: report.stream, sequence: report.sequence, used: [] });
}

describe('usage', () => {
  test('is counted by endpoint, version, actor and hour', () => {
    const { usage, state } = someUsage();
    usage.count(aCall());
    usage.count(aCall());
    usage.count(aCall({ actor: 'ben' }));
    state.nowMs += 3_600_000;
    usage.count(aCall());
    const same = { endpoint: 'e', team: 'risk', model: 'scores', version: '7' };
    const zero = { clientErrors: 0, serverErrors: 0, refused: 0 };
    expect(usage.report()).toEqual({
      stream: 's',
      sequence: 1,
      quotas: [],
      counts: [
        { ...same, ...zero, actor: 'ana', hour, requests: 2, rows: 4, runMs: 3, lastAt: hour + 5 },
        { ...same, ...zero, actor: 'ben', hour, requests: 1, rows: 2, runMs: 1.5, lastAt: hour + 5 },
        {
          ...same,
          ...zero,
          actor: 'ana',
          hour: hour + 3_600_000,
          requests: 1,
          rows: 2,
          runMs: 1.5,
          lastAt: hour + 3_600_005,
        },
      ],
    });
  });

  test.each([
    [
      { status: 400, code: 'invalid_data' },
      { requests: 1, clientErrors: 1, serverErrors: 0, refused: 0, rows: 0 },
    ],
    [
      { status: 499, code: 'request_cancelled' },
      { requests: 1, clientErrors: 1 },
    ],
    [
      { status: 500, code: 'model_failed' },
      { requests: 1, clientErrors: 0, serverErrors: 1 },
    ],
    [
      { status: 429, code: 'queue_full' },
      { requests: 1, serverErrors: 1 },
    ],
    [
      { status: 429, code: 'rate_limited' },
      { requests: 0, refused: 1, clientErrors: 0 },
    ],
    [
      { status: 429, code: 'quota_exceeded' },
      { requests: 0, refused: 1 },
    ],
  ] as const)('of %o counts %o', (outcome, expected) => {
    const { usage } = someUsage();
    usage.count(aCall(outcome));
    expect(usage.report()?.counts).toEqual([expect.objectContaining(expected)]);
  });

  test('of what is no call, and of nothing, is nothing', () => {
    const { usage } = someUsage();
    usage.count(aCall({ call: undefined }));
    expect(usage.report()).toBeUndefined();
  });

  test('of a call that ended before a version was chosen names none', () => {
    const { usage } = someUsage();
    usage.count(aCall({ deployment: undefined, status: 413, code: 'body_too_large' }));
    expect(usage.report()?.counts).toEqual([expect.objectContaining({ model: '', version: '', requests: 1 })]);
  });

  test('is told again as it was until it is known to be kept; what is counted meanwhile comes after', () => {
    const { usage } = someUsage();
    usage.count(aCall());
    const first = usage.report();
    usage.count(aCall());
    expect(usage.report()).toBe(first);
    usage.kept({ stream: 'another', sequence: 1, used: [] });
    usage.kept({ stream: 's', sequence: 9, used: [] });
    expect(usage.report()).toBe(first);
    answered(usage, first);
    expect(usage.report()).toMatchObject({ sequence: 2, counts: [{ requests: 1 }] });
  });

  test('is bounded: callers beyond the limit are counted as one, and no request is lost', () => {
    const { usage, state } = someUsage(10);
    const calls = 500;
    for (let index = 0; index < calls; index += 1) {
      state.nowMs += 600_000;
      usage.count(aCall({ actor: `a${index}` }));
    }
    const reports: UsageReport[] = [];
    for (let report = usage.report(); report !== undefined; report = usage.report()) {
      reports.push(report);
      answered(usage, report);
    }
    const counts = reports.flatMap((report) => report.counts);
    expect(Math.max(...reports.map((report) => report.counts.length))).toBe(10);
    expect(counts.length).toBeLessThanOrEqual(21);
    expect(counts.filter(({ actor }) => actor !== 'other')).toHaveLength(10);
    expect(counts.reduce((sum, { requests }) => sum + requests, 0)).toBe(calls);
  });

  test('that control cannot read is given up, so that what follows arrives', () => {
    const { usage } = someUsage();
    usage.count(aCall());
    usage.report();
    usage.giveUp();
    expect(usage.report()).toBeUndefined();
    usage.count(aCall());
    expect(usage.report()).toMatchObject({ sequence: 2 });
  });
});
