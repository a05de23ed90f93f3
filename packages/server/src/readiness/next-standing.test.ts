import { type Facts, type JudgedChecks, dayMs, judge } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { now, sound } from '../../test-support/sound-facts.ts';
import type { StandingRecord } from '../standing/index.ts';
import { approvedOf, reviewOf, type Review } from './load-reviews.ts';
import { nextStanding, reasonsOf } from './next-standing.ts';

const record = (state: StandingRecord['state'], submission: string | null = 's1'): StandingRecord => ({
  endpointId: 'e1',
  state,
  since: 1,
  firstAt: state === 'waiting' ? null : 1,
  reasons: [],
  submission,
  model: 'fraud',
  version: 1,
});
const judged = (facts: Partial<Facts> = {}): JudgedChecks => judge({ ...sound, ...facts });
const good = { judged: judged(), approved: 's1' };
const broken = { judged: judged({ owner: null }), approved: 's1' };

describe('the next standing', () => {
  it.each([
    ['nothing', undefined, good, 'granted'],
    ['waiting', record('waiting'), good, 'granted'],
    ['lapsed', record('lapsed'), good, 'restored'],
    ['lapsed, by another submission', record('lapsed', 's0'), good, 'granted'],
    ['in production, by another submission', record('in production', 's0'), good, 'granted'],
    ['in production', record('in production'), good, undefined],
    ['in production', record('in production'), broken, 'lapsed'],
    ['in production', record('in production'), { ...good, approved: null }, 'lapsed'],
    ['nothing', undefined, broken, undefined],
    ['waiting', record('waiting'), broken, undefined],
    ['lapsed', record('lapsed'), broken, undefined],
  ])('from %s', (_from, before, look, what) => {
    expect(nextStanding(before, look)?.what).toBe(what);
  });

  it('says what took it away, check by check', () => {
    expect(nextStanding(record('in production'), broken)?.reasons).toEqual([expect.stringMatching(/^R01 .*: /)]);
    expect(reasonsOf({ ...good, approved: null })).toEqual(['what is there now is not what was approved']);
    expect(reasonsOf({ ...good, approved: null }, false)).toEqual(['nobody has submitted it yet']);
    expect(reasonsOf(good)).toEqual([]);
  });
});

/** Facts of which anything may be amiss, with the submissions that there are. */
const anyLook = fc
  .record({
    owner: fc.constantFrom(sound.owner, null),
    missing: fc.subarray(['R20', 'R21', 'R22', 'R29']),
    ageDays: fc.integer({ min: 0, max: 120 }),
    waivers: fc.array(
      fc.record({
        id: fc.constant('w1'),
        check: fc.constantFrom('R01', 'R19', 'R20', 'R22', 'R31'),
        reason: fc.constant('why'),
        until: fc.integer({ min: now - 5, max: now + 5 }),
      }),
      { maxLength: 3 },
    ),
    subjectDigest: fc.constantFrom('subject', 'another'),
    reviews: fc.array(
      fc.record({
        id: fc.constantFrom('s0', 's1', 's2'),
        state: fc.constantFrom('approved' as const, 'waiting' as const),
        subjectDigest: fc.constantFrom('subject', 'another'),
        approvalsNeeded: fc.integer({ min: 0, max: 2 }),
        authors: fc.constantFrom(['a1'], ['a1', 'a3']),
        approvals: fc.array(fc.record({ by: fc.constantFrom('a1', 'a2', 'a3'), at: fc.constant(1) }), {
          maxLength: 3,
        }),
      }),
      { maxLength: 3 },
    ),
    environment: fc.constantFrom('prod', 'dev'),
  })
  .map(({ missing, ageDays, reviews, subjectDigest, ...facts }) => ({
    reviews,
    facts: {
      ...sound,
      ...facts,
      subjectDigest,
      evidence: sound.evidence
        .filter(({ check }) => !missing.includes(check))
        .map((one) => ({ ...one, at: now - ageDays * dayMs })),
      review: reviewOf(reviews, subjectDigest, 'a1'),
    } satisfies Facts,
  }));
const anyRecord = fc.option(fc.constantFrom('waiting' as const, 'in production' as const, 'lapsed' as const), {
  nil: undefined,
});

/** The state after the look. */
function after(before: StandingRecord['state'] | undefined, facts: Facts, reviews: readonly Review[]) {
  const approved = approvedOf(reviews, facts.subjectDigest);
  const next = nextStanding(before === undefined ? undefined : record(before), { judged: judge(facts), approved });
  return next?.state ?? before;
}

describe('whatever is found, it is in production', () => {
  /** How it got there against the rule; undefined where it never did, though it was in production often enough. */
  function breachOf(rule: (facts: Facts, reviews: readonly Review[]) => boolean): unknown {
    let stood = 0;
    const { counterexample } = fc.check(
      fc.property(anyRecord, anyLook, (before, { facts, reviews }) => {
        if (after(before, facts, reviews) !== 'in production') return true;
        stood += 1;
        return rule(facts, reviews);
      }),
      { numRuns: 3000 },
    );
    if (stood < 30) return `it was in production ${stood} times only`;
    return counterexample ?? undefined;
  }

  test('only where every required check passes, or is waived until later', () => {
    const breach = breachOf((facts) =>
      judge(facts)
        .checks.filter(({ required }) => required)
        .every(
          ({ check, outcome, waiver }) =>
            ['passed', 'not-applicable'].includes(outcome.state) ||
            (check.waivable && waiver !== null && waiver.until > facts.now),
        ),
    );
    expect(breach).toBeUndefined();
  });

  test('only by an approved submission of exactly what is there', () => {
    const breach = breachOf((facts, reviews) =>
      reviews.some((review) => review.state === 'approved' && review.subjectDigest === facts.subjectDigest),
    );
    expect(breach).toBeUndefined();
  });

  test('in prod only by somebody who did not make it', () => {
    const breach = breachOf(
      (facts, reviews) =>
        facts.environment !== 'prod' ||
        reviews.some(
          ({ approvals, authors, subjectDigest }) =>
            subjectDigest === facts.subjectDigest && approvals.some(({ by }) => by !== 'a1' && !authors.includes(by)),
        ),
    );
    expect(breach).toBeUndefined();
  });

  test('and what holds again after a lapse is in production again, and only that', () => {
    fc.assert(
      fc.property(anyLook, ({ facts, reviews }) => {
        const lapsed = after('lapsed', facts, reviews);
        expect(lapsed).toBe(after('in production', facts, reviews));
      }),
    );
  });
});
