import { type Facts, type RiskTier, approvalsNeeded, dayMs, judge, servingSettingsSchema } from '@muster-ml/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sound } from '../../test-support/sound-facts.ts';
import { type Review, approvedOf, reviewOf } from './load-reviews.ts';
import { type NextStanding, nextStanding } from './next-standing.ts';
import { evidenceDigestOf, subjectOf } from './subject.ts';

/** What can happen to an endpoint. */
type Step =
  | { readonly do: 'submit' | 'look' | 'loseOwner' | 'findOwner' }
  | { readonly do: 'approve'; readonly by: string }
  | { readonly do: 'serve'; readonly version: number; readonly replicas: number }
  | { readonly do: 'useCase'; readonly name: string; readonly tier: RiskTier }
  | { readonly do: 'objective'; readonly latencyMs: number }
  | { readonly do: 'evidence'; readonly check: string; readonly passed: boolean }
  | { readonly do: 'waive'; readonly check: string; readonly days: number }
  | { readonly do: 'wait'; readonly days: number };

const drilled = fc.constantFrom('R20', 'R21', 'R22');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('submit' as const, 'look' as const, 'loseOwner' as const, 'findOwner' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('approve' as const), by: fc.constantFrom('a1', 'bob', 'cleo', 'dan') }),
  },
  fc.record({ do: fc.constant('serve' as const), version: fc.constantFrom(1, 2), replicas: fc.constantFrom(1, 2) }),
  fc.record({
    do: fc.constant('useCase' as const),
    name: fc.constantFrom('why', 'other'),
    tier: fc.constantFrom<RiskTier>('minimal', 'limited', 'high'),
  }),
  fc.record({ do: fc.constant('objective' as const), latencyMs: fc.constantFrom(200, 300) }),
  fc.record({ do: fc.constant('evidence' as const), check: drilled, passed: fc.boolean() }),
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('waive' as const),
      check: fc.oneof(fc.constantFrom('R01', 'R19'), drilled),
      days: fc.integer({ min: 1, max: 90 }),
    }),
  },
  fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 60 }) }),
);

const served = { model: 'churn', version: 1, digest: '0'.repeat(64), settings: servingSettingsSchema.parse({}) };

interface Asked extends Review {
  readonly evidenceDigest: string;
}

/** An endpoint as it is remembered: the rules of the use cases, and none of their tables. */
class Endpoint {
  facts: Facts = { ...sound, isFirstVersion: true };
  served = served;
  reviews: Asked[] = [];
  state: NextStanding['state'] | 'waiting' | undefined;
  submission: string | null = null;

  seen() {
    const { endpoint, useCase } = this.facts;
    const digest =
      subjectOf({ served: this.served, useCase, objective: endpoint?.objective ?? null })?.subjectDigest ?? '';
    const facts: Facts = { ...this.facts, subjectDigest: digest, review: reviewOf(this.reviews, digest, 'a1') };
    return { facts, judged: judge(facts), approved: approvedOf(this.reviews, digest), digest };
  }

  look(): void {
    const { judged, approved } = this.seen();
    const about = { endpointId: 'e', since: 1, firstAt: 1, reasons: [], model: 'churn', version: 1 };
    const record = this.state === undefined ? undefined : { ...about, state: this.state, submission: this.submission };
    const next = nextStanding(record, { judged, approved });
    if (next === undefined) return;
    this.state = next.state;
    this.submission = approved ?? this.submission;
  }

  submit(): void {
    const { facts, judged, digest } = this.seen();
    if (!judge(facts, { without: ['R19'] }).holds) return;
    this.reviews = this.reviews.filter(({ state }) => state === 'approved');
    this.reviews.push({
      id: `s${this.reviews.length + 1}`,
      state: 'waiting',
      subjectDigest: digest,
      approvalsNeeded: approvalsNeeded(judged.level, facts.useCase?.riskTier ?? null),
      authors: ['a1'],
      approvals: [],
      evidenceDigest: evidenceDigestOf(judged),
    });
    this.state ??= 'waiting';
  }

  /** Whoever made it is not even refused here: their approval must not count either way. */
  approve(by: string): void {
    const waiting = this.reviews.at(-1);
    if (waiting?.state !== 'waiting' || waiting.approvals.some((one) => one.by === by)) return;
    const { facts, judged, digest } = this.seen();
    if (digest !== waiting.subjectDigest || evidenceDigestOf(judged) !== waiting.evidenceDigest) return;
    const approvals = [...waiting.approvals, { by, at: facts.now }];
    const state = approvals.length >= waiting.approvalsNeeded ? 'approved' : 'waiting';
    this.reviews = [...this.reviews.slice(0, -1), { ...waiting, approvals, state }];
  }

  take(action: Step): void {
    const { facts } = this;
    switch (action.do) {
      case 'submit':
        return this.submit();
      case 'look':
        return this.look();
      case 'approve':
        return this.approve(action.by);
      case 'serve':
        this.served = {
          ...served,
          version: action.version,
          settings: servingSettingsSchema.parse({ replicas: action.replicas }),
        };
        return;
      default:
        this.facts = { ...facts, ...changeOf(facts, action) };
    }
  }
}

function changeOf(facts: Facts, action: Step): Partial<Facts> {
  const { now, endpoint, owner } = facts;
  switch (action.do) {
    case 'loseOwner':
      return { owner: null };
    case 'findOwner':
      return { owner: sound.owner === null ? null : { ...sound.owner, seenAt: now } };
    case 'useCase':
      return { useCase: { name: action.name, riskTier: action.tier, state: 'accepted', decidedAt: 1 } };
    case 'objective': {
      const objective = sound.endpoint?.objective;
      if (endpoint === null || !objective) return {};
      return { endpoint: { ...endpoint, objective: { ...objective, latencyMs: action.latencyMs } } };
    }
    case 'evidence': {
      const { check, passed } = action;
      const given = { id: `${check}-${now}-${String(passed)}`, at: now, passed };
      return { evidence: facts.evidence.map((one) => (one.check === check ? { ...one, ...given } : one)) };
    }
    case 'waive': {
      const waiver = { id: `w${facts.waivers.length}`, check: action.check, reason: 'soon' };
      return { waivers: [...facts.waivers, { ...waiver, until: now + action.days * dayMs }] };
    }
    case 'wait': {
      const later = now + action.days * dayMs;
      return { now: later, owner: owner === null ? null : { ...owner, seenAt: later } };
    }
    default:
      return {};
  }
}

const neverWaived = ['R01', 'R05', 'R19', 'R31'];

test('whatever happens, only what others approved as it is, and holds or is waived, is in production after a look', () => {
  const reached = { 'in production': 0, lapsed: 0, waived: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const endpoint = new Endpoint();
      for (const action of [{ do: 'submit' }, { do: 'approve', by: 'cleo' }, ...steps] as const) {
        endpoint.take(action);
        endpoint.look();
        if (endpoint.state === 'lapsed') reached.lapsed += 1;
        if (endpoint.state !== 'in production') continue;
        reached['in production'] += 1;
        const { facts, judged, digest } = endpoint.seen();
        const review = endpoint.reviews.find(({ id }) => id === endpoint.submission);
        expect(review).toMatchObject({ state: 'approved', subjectDigest: digest });
        const others = new Set(review?.approvals.map(({ by }) => by).filter((by) => by !== 'a1'));
        expect(others.size).toBeGreaterThanOrEqual(facts.useCase?.riskTier === 'high' ? 2 : 1);
        for (const { check, required, outcome, waiver } of judged.checks) {
          if (!required || outcome.state === 'passed' || outcome.state === 'not-applicable') continue;
          reached.waived += 1;
          expect(neverWaived).not.toContain(check.id);
          expect(waiver?.until).toBeGreaterThan(facts.now);
        }
      }
    }),
    { numRuns: 200 },
  );
  // Otherwise it would say nothing.
  for (const times of Object.values(reached)) expect(times).toBeGreaterThan(0);
});

test('no waiver counts at its end or after', () => {
  const gap: Facts = { ...sound, evidence: sound.evidence.filter(({ check }) => check !== 'R21') };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 90 * dayMs }), fc.integer({ min: -dayMs, max: dayMs }), (length, after) => {
      const until = sound.now + length;
      const facts = { ...gap, now: until + after, waivers: [{ id: 'w', check: 'R21', reason: 'soon', until }] };
      expect(judge(facts).checks.find(({ check }) => check.id === 'R21')?.holds).toBe(after < 0);
    }),
  );
});
