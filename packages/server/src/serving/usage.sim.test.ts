import { MusterError } from '@muster-ml/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anEndpoint } from '../../test-support/serving-twins.ts';
import type { CallLimit } from '../identity/index.ts';
import { type TableLimits, createTableLimits } from './limits.ts';
import { type Usage, createUsage } from './usage.ts';
import type { QuotaUse, UsageReport } from './usage-report.ts';

/*
 * Histories of gateways and a control: calls, reports that get lost, answers that get lost, gateways that are killed, new
 * tables, midnight. After each step: what control kept, what gateways hold and what died with them is what was called.
 */
const endpoint = anEndpoint('e', []);
const quota = 7;
const limit: CallLimit = { endpoint: 'e', actor: 'ana', ratePerSecond: null, requestsPerDay: quota };
const dayMs = 86_400_000;

type Step =
  | { readonly kind: 'call' | 'kill' | 'table'; readonly gateway: number }
  | { readonly kind: 'report'; readonly gateway: number; readonly lost: 'nothing' | 'report' | 'answer' }
  | { readonly kind: 'midnight' };

const gateway = fc.integer({ min: 0, max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('call' as const), gateway }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      gateway,
      lost: fc.constantFrom('nothing', 'nothing', 'report', 'answer'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'table' as const), gateway }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'midnight' as const }) },
);

interface SimulatedGateway {
  readonly limits: TableLimits;
  readonly usage: Usage;
  /** Calls that control has not kept, as far as the world knows. */
  untold: number;
}

class World {
  now = Date.UTC(2026, 10, 30);
  readonly #sequences = new Map<string, number>();
  readonly #quotas = new Map<number, number>();
  #streams = 0;
  kept = 0;
  called = 0;
  died = 0;
  /** Calls that the quota let in, by day. */
  readonly letIn = new Map<number, number>();
  readonly gateways: SimulatedGateway[];

  constructor(gateways: number) {
    this.gateways = Array.from({ length: gateways }, () => this.#start());
  }

  #start(): SimulatedGateway {
    const clock = { now: () => this.now, after: () => () => undefined };
    const limits = createTableLimits(clock);
    limits.apply([limit], this.#usedToday());
    return { limits, usage: createUsage({ clock, stream: `s${++this.#streams}`, limits }), untold: 0 };
  }

  get day(): number {
    return Math.floor(this.now / dayMs) * dayMs;
  }

  #usedToday(): QuotaUse[] {
    return [{ endpoint: 'e', actor: 'ana', day: this.day, requests: this.#quotas.get(this.day) ?? 0 }];
  }

  #keep(report: UsageReport): QuotaUse[] {
    if ((this.#sequences.get(report.stream) ?? 0) < report.sequence) {
      this.#sequences.set(report.stream, report.sequence);
      for (const { requests, refused } of report.counts) this.kept += requests + refused;
      for (const { day, requests } of report.quotas) this.#quotas.set(day, (this.#quotas.get(day) ?? 0) + requests);
    }
    return report.quotas.map((one) => ({ ...one, requests: this.#quotas.get(one.day) ?? 0 }));
  }

  run(one: Step): void {
    if (one.kind === 'midnight') {
      this.now = this.day + dayMs;
      return;
    }
    this.now += 1;
    const at = one.gateway % this.gateways.length;
    const found = this.gateways[at];
    if (found === undefined) return;
    switch (one.kind) {
      case 'call':
        this.#call(found);
        return;
      case 'table':
        found.limits.apply([limit], this.#usedToday());
        return;
      case 'kill':
        this.died += this.called - this.kept - this.died - this.#held(at);
        this.gateways[at] = this.#start();
        return;
      case 'report': {
        const report = found.usage.report();
        if (report === undefined || one.lost === 'report') return;
        const before = this.kept;
        const used = this.#keep(report);
        found.untold -= this.kept - before;
        if (one.lost === 'nothing') found.usage.kept({ stream: report.stream, sequence: report.sequence, used });
      }
    }
  }

  /** What all gateways but one hold. */
  #held(except: number): number {
    return this.gateways.reduce((sum, { untold }, index) => (index === except ? sum : sum + untold), 0);
  }

  #call(found: SimulatedGateway): void {
    const { limits, usage } = found;
    let code: 'quota_exceeded' | undefined;
    try {
      limits.admit('e', 'ana');
      this.letIn.set(this.day, (this.letIn.get(this.day) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof MusterError) || error.code !== 'quota_exceeded') throw error;
      code = 'quota_exceeded';
    }
    usage.count({
      call: { endpoint, actor: 'ana' },
      deployment: undefined,
      status: code === undefined ? 200 : 429,
      code,
      rows: 1,
      runMicros: 1,
    });
    this.called += 1;
    found.untold += 1;
  }

  /** Has every gateway tell everything. */
  settle(): void {
    for (let turn = 0; turn < 3; turn += 1)
      for (const index of this.gateways.keys()) this.run({ kind: 'report', gateway: index, lost: 'nothing' });
  }
}

test('every call is kept once, unless it died with its gateway, whatever gets lost on the way', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const world = new World(2);
      for (const one of steps) {
        world.run(one);
        expect(world.kept + world.died).toBeLessThanOrEqual(world.called);
      }
      world.settle();
      expect(world.kept + world.died).toBe(world.called);
    }),
    { numRuns: 2000 },
  );
});

test('one gateway never lets in more than the day’s quota, and no less', () => {
  const isNoKill = (one: Step): boolean => one.kind !== 'kill';
  fc.assert(
    fc.property(fc.array(step.filter(isNoKill), { maxLength: 80 }), (steps) => {
      const world = new World(1);
      for (const one of steps) world.run(one);
      for (const letIn of world.letIn.values()) expect(letIn).toBeLessThanOrEqual(quota);
      world.settle();
      const before = world.letIn.get(world.day) ?? 0;
      for (let turn = 0; turn < quota + 3; turn += 1) world.run({ kind: 'call', gateway: 0 });
      expect(world.letIn.get(world.day)).toBe(Math.max(before, quota));
    }),
    { numRuns: 2000 },
  );
});

test('two gateways together let in too much at most what came before they told each other', () => {
  fc.assert(
    fc.property(fc.array(fc.array(gateway, { maxLength: 6 }), { maxLength: 12 }), (seconds) => {
      const world = new World(2);
      const most = Math.max(0, ...seconds.map((calls) => calls.length));
      for (const calls of seconds) {
        for (const at of calls) world.run({ kind: 'call', gateway: at });
        world.settle();
      }
      expect(world.letIn.get(world.day) ?? 0).toBeLessThanOrEqual(quota + most);
    }),
    { numRuns: 1000 },
  );
});
