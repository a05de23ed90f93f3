import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bare, dayMs, evidenceFor, now, sound } from '../../test-support/sound-facts.ts';
import { levels, outcomeStates, verdictSchema } from '../management/readiness.ts';
import { riskTiers } from '../management/use-cases.ts';
import type { Check, Outcome } from './check.ts';
import { checks } from './checks/index.ts';
import type { Facts, WaiverFacts } from './facts.ts';
import { judge } from './judge.ts';
import { verdictDocument } from './verdict-document.ts';

function checkOf(given: Partial<Check> & { readonly outcome?: Outcome } = {}): Check {
  const { outcome = { state: 'passed', summary: 'fine' }, ...rest } = given;
  return {
    id: 'R90',
    title: 'A check',
    why: 'for the test',
    level: 'bronze',
    evidence: 'none',
    collected: 'platform',
    fresh: { kind: 'live' },
    appliesTo: ['served', 'observed'],
    waivable: true,
    remedy: 'muster help',
    judge: () => outcome,
    ...rest,
  };
}

const waiverFor = (check: string, until: number): WaiverFacts => ({ id: `w-${check}`, check, reason: 'why', until });

describe('the verdict', () => {
  test('holds where every check holds that the environment asks for', () => {
    const verdict = judge(sound);
    expect(verdict.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdict).toMatchObject({ level: 'silver', reached: 'silver', holds: true });
  });

  test('asks of a file for nothing less, and what it cannot know does not hold', () => {
    const verdict = judge({ ...bare, environment: 'dev' });
    expect(verdict).toMatchObject({ level: 'bronze', reached: null, holds: false });
    const states = verdict.checks.map(({ check, outcome }) => `${check.id} ${outcome.state}`);
    expect(states.slice(0, 5)).toEqual(['R01 unknown', 'R02 unknown', 'R05 passed', 'R06 passed', 'R07 unknown']);
  });

  test('asks for more where a wrong answer does more harm', () => {
    const at = (environment: string, riskTier: (typeof riskTiers)[number] | null) =>
      judge({ ...sound, environment, useCase: { name: 'x', state: 'accepted', riskTier, decidedAt: null } }).level;
    expect([at('dev', 'minimal'), at('dev', null), at('dev', 'high')]).toEqual(['bronze', 'bronze', 'silver']);
    expect([at('prod', 'minimal'), at('prod', null), at('prod', 'high')]).toEqual(['silver', 'silver', 'gold']);
  });

  test('reaches a level that has no checks of its own only where it is asked for', () => {
    const high = { ...sound, useCase: { name: 'x', state: 'accepted', riskTier: 'high', decidedAt: null } } as const;
    expect(judge(high)).toMatchObject({ level: 'gold', reached: 'gold', holds: true });
    expect(judge(high, { level: 'bronze' })).toMatchObject({ level: 'bronze', reached: 'silver' });
  });

  test('leaves a check out of the decision, and still shows it', () => {
    const unreviewed = { ...sound, review: null };
    expect(judge(unreviewed)).toMatchObject({ holds: false, reached: 'bronze' });
    const without = judge(unreviewed, { without: ['R19'] });
    expect(without).toMatchObject({ holds: true, reached: 'silver' });
    expect(without.checks.find(({ check }) => check.id === 'R19')).toMatchObject({ required: false, holds: false });
  });

  test('takes a check that throws for one that failed', () => {
    const broken = checkOf({
      judge: () => {
        throw new Error('no luck');
      },
    });
    const { holds, checks: judged } = judge(sound, { rubric: [broken] });
    expect(holds).toBe(false);
    expect(judged[0]?.outcome).toEqual({ state: 'failed', summary: 'the check itself failed: no luck' });
  });

  test('does not apply checks of what Muster serves to what it does not serve', () => {
    const observed: Facts = { ...sound, endpoint: { ...endpointOf(), kind: 'observed' }, evidence: [] };
    const served = checkOf({ appliesTo: ['served'], outcome: { state: 'failed', summary: 'bad' } });
    const [one] = judge(observed, { rubric: [served] }).checks;
    expect(one).toMatchObject({ required: false, holds: true, outcome: { state: 'not-applicable' } });
  });

  test('lets a person sign for what is found out otherwise, where something else serves it', () => {
    const observed: Facts = { ...sound, version: null, endpoint: { ...endpointOf(), kind: 'observed' }, evidence: [] };
    const stateOf = (id: string, facts: Facts) =>
      judge(facts).checks.find(({ check }) => check.id === id)?.outcome.state;
    for (const id of ['R05', 'R06', 'R07', 'R20', 'R21', 'R22', 'R31']) {
      expect(stateOf(id, observed), id).toBe('missing');
      const signed = evidenceFor(id, { source: 'person' });
      expect(stateOf(id, { ...observed, evidence: [signed] }), id).toBe('passed');
      expect(stateOf(id, { ...observed, evidence: [{ ...signed, source: 'drill' }] }), id).toBe('missing');
      expect(stateOf(id, { ...observed, evidence: [{ ...signed, at: now - 180 * dayMs }] }), id).toBe('stale');
      // A person's word is not enough where Muster can see for itself.
      if (id !== 'R31') expect(stateOf(id, { ...sound, version: null, evidence: [signed] }), id).not.toBe('passed');
    }
    expect(stateOf('R23', observed)).toBe('not-applicable');
    expect(stateOf('R01', observed)).toBe('passed');
  });
});

describe('until', () => {
  test('is when the first of what is required and holds ends', () => {
    const verdict = judge(sound);
    expect(verdict.until).toBe(now + 80 * dayMs);
    expect(judge({ ...sound, now: now + 80 * dayMs - 1 }).holds).toBe(true);
    expect(judge({ ...sound, now: now + 80 * dayMs }).holds).toBe(false);
  });

  test('is the end of the waiver where one counts instead', () => {
    const facts = { ...sound, evidence: sound.evidence.filter(({ check }) => check !== 'R21') };
    const waived = judge({ ...facts, waivers: [waiverFor('R21', now + 5), waiverFor('R21', now + 9)] });
    expect(waived).toMatchObject({ holds: true, until: now + 9 });
  });

  test('is not in the past: what forgot to look at the clock does not pass', () => {
    const late = checkOf({ outcome: { state: 'passed', summary: 'fine', until: now } });
    expect(judge(sound, { rubric: [late] })).toMatchObject({ holds: false, until: null });
  });
});

const outcome = fc.record({
  state: fc.constantFrom(...outcomeStates),
  summary: fc.constant('found'),
  until: fc.option(fc.integer({ min: now - 100, max: now + 100 }), { nil: undefined }),
});
const anyCheck = fc
  .record({
    id: fc.constantFrom('R90', 'R91', 'R92', 'R93'),
    level: fc.constantFrom(...levels),
    waivable: fc.boolean(),
    outcome,
  })
  .map(checkOf);
const anyFacts = fc
  .record({
    environment: fc.constantFrom('prod', 'dev'),
    riskTier: fc.constantFrom(...riskTiers),
    waivers: fc.array(
      fc
        .tuple(fc.constantFrom('R90', 'R91', 'R92', 'R93'), fc.integer({ min: now - 100, max: now + 100 }))
        .map(([id, until]) => waiverFor(id, until)),
      { maxLength: 4 },
    ),
  })
  .map(({ environment, riskTier, waivers }): Facts => {
    return { ...sound, environment, waivers, useCase: { name: 'x', state: 'accepted', riskTier, decidedAt: null } };
  });
const anyRubric = fc.array(anyCheck, { maxLength: 6 });

describe('for any rubric and facts', () => {
  test('a required check that fails and is not waived never lets the verdict hold', () => {
    fc.assert(
      fc.property(anyFacts, anyRubric, (facts, rubric) => {
        const failing = checkOf({ id: 'R99', waivable: false, outcome: { state: 'failed', summary: 'bad' } });
        expect(judge(facts, { rubric: [...rubric, failing] })).toMatchObject({ holds: false, reached: null });
      }),
    );
  });

  test('one check more never makes it hold', () => {
    fc.assert(
      fc.property(anyFacts, anyRubric, anyCheck, (facts, rubric, more) => {
        if (judge(facts, { rubric: [...rubric, more] }).holds) expect(judge(facts, { rubric }).holds).toBe(true);
      }),
    );
  });

  test('it holds exactly where each required check passed, does not apply, or has a waiver that counts', () => {
    fc.assert(
      fc.property(anyFacts, anyRubric, (facts, rubric) => {
        const verdict = judge(facts, { rubric });
        const enough = verdict.checks.every(
          ({ check, required, outcome: { state }, waiver }) =>
            !required || state === 'passed' || state === 'not-applicable' || (waiver !== null && check.waivable),
        );
        expect(verdict.holds).toBe(enough);
      }),
    );
  });

  test('no waiver counts from its date on, nor for what cannot be waived', () => {
    fc.assert(
      fc.property(anyFacts, anyRubric, (facts, rubric) => {
        for (const { check, waiver } of judge(facts, { rubric }).checks)
          if (waiver !== null)
            expect(check.waivable && waiver.check === check.id && facts.now < waiver.until).toBe(true);
        const after = { ...facts, now: now + 101 };
        expect(judge(after, { rubric }).checks.every(({ waiver }) => waiver === null)).toBe(true);
        expect(judge(after, { rubric }).holds).toBe(judge({ ...after, waivers: [] }, { rubric }).holds);
      }),
    );
  });

  test('what holds goes on to hold until it says, and no longer', () => {
    fc.assert(
      fc.property(anyFacts, anyRubric, (facts, rubric) => {
        const { holds, until } = judge(facts, { rubric });
        if (!holds) return;
        const at = (time: number) => judge({ ...facts, now: time }, { rubric }).holds;
        if (until === null) {
          expect(at(now + 1e9)).toBe(true);
        } else {
          expect(until).toBeGreaterThan(facts.now);
          expect([at(until - 1), at(until)]).toEqual([true, false]);
        }
      }),
    );
  });
});

test('the rubric names each check once, in order, and each remedy is a command', () => {
  const ids = checks.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].toSorted());
  expect(checks.filter(({ waivable }) => !waivable).map(({ id }) => id)).toEqual(['R01', 'R05', 'R19', 'R31']);
  for (const { id, remedy } of checks) expect(remedy, id).toMatch(/^muster [a-z]/);
});

function endpointOf(): NonNullable<Facts['endpoint']> {
  if (sound.endpoint === null) throw new Error('there is one');
  return sound.endpoint;
}

test('the document of a verdict is what the API says it is', () => {
  const facts = { ...sound, waivers: [waiverFor('R22', now + dayMs)], evidence: sound.evidence.slice(0, 2) };
  const verdict = verdictSchema.parse(verdictDocument(facts, judge(facts)));
  expect(verdict).toMatchObject({ environment: 'prod', level: 'silver', at: new Date(now).toISOString() });
  expect(verdict.checks.find(({ id }) => id === 'R22')).toMatchObject({
    holds: true,
    outcome: { state: 'missing', remedy: 'muster drill rollback fraud', at: null },
    waiver: { id: 'w-R22', until: new Date(now + dayMs).toISOString() },
  });
});
