import { describe, expect, test } from 'vitest';
import { bare, dayMs, evidenceFor, figuresOfLoad, now, sound } from '../../../test-support/sound-facts.ts';
import type { Check } from '../check.ts';
import type { AccessFacts, ComparisonFacts, EvidenceFacts, Facts, ReviewFacts } from '../facts.ts';
import { r19 } from './r19-reviewed.ts';
import { r20 } from './r20-load.ts';
import { r21 } from './r21-failover.ts';
import { r22 } from './r22-rollback.ts';
import { r23 } from './r23-compared.ts';
import { r29 } from './r29-runbook.ts';
import { r31 } from './r31-least-privilege.ts';

const endpoint = existing(sound.endpoint);
const reviewed = (given: Partial<ReviewFacts>): Facts => ({
  ...sound,
  review: { ...existing(sound.review), ...given },
});
const proved = (...evidence: readonly EvidenceFacts[]): Facts => ({ ...sound, evidence });
const letsIn = (...rules: readonly Partial<AccessFacts>[]): Facts => ({
  ...sound,
  access: rules.map((rule) => ({
    subject: 'web-shop',
    subjectKind: 'actor',
    createdAt: now - 200 * dayMs,
    expiresAt: null,
    isAlive: true,
    usedAt: now - dayMs,
    ...rule,
  })),
});

function existing<T>(value: T | null): T {
  if (value === null) throw new Error('there is one');
  return value;
}

describe('R19, the review', () => {
  test('passes with an approval by somebody who did not make it', () => {
    expect(r19.judge(sound)).toMatchObject({ state: 'passed', at: now - 3 * dayMs, evidence: 's1' });
  });

  test('counts no approval of an author, and nobody twice', () => {
    const remedy = 'muster approve s1 --reason TEXT';
    expect(r19.judge(reviewed({ approvals: [{ by: 'a1', at: now }] }))).toMatchObject({ state: 'missing', remedy });
    const twice = [
      { by: 'a2', at: now },
      { by: 'a2', at: now },
    ];
    expect(r19.judge(reviewed({ approvalsNeeded: 2, approvals: twice }))).toMatchObject({
      state: 'missing',
      summary: '1 of 2 approvals by somebody who did not make it',
      remedy,
    });
    const two = [
      { by: 'a2', at: now },
      { by: 'a3', at: now },
    ];
    expect(r19.judge(reviewed({ approvalsNeeded: 2, approvals: two })).state).toBe('passed');
  });

  test('is never passed by nobody, even where no approval was needed', () => {
    expect(r19.judge(reviewed({ approvalsNeeded: 0, approvals: [] })).state).toBe('missing');
  });

  test('is stale once what was approved is not what is there', () => {
    expect(r19.judge({ ...sound, subjectDigest: 'other' })).toMatchObject({
      state: 'stale',
      remedy: 'muster submit fraud',
    });
  });

  test('is missing where nobody was asked, and not known of a file', () => {
    expect(r19.judge({ ...sound, review: null })).toMatchObject({ state: 'missing', remedy: 'muster submit fraud' });
    expect(r19.judge(bare).state).toBe('unknown');
  });
});

describe.each([
  ['R20', r20, 'muster drill load fraud', figuresOfLoad],
  ['R21', r21, 'muster drill failover fraud', {}],
  ['R22', r22, 'muster drill rollback fraud', {}],
] as const)('%s, a drill', (id, check: Check, remedy, figures) => {
  const evidence = (given: Partial<EvidenceFacts> = {}): EvidenceFacts => evidenceFor(id, { figures, ...given });

  test('passes for 90 days, and names the version that it was found with', () => {
    expect(check.judge(sound)).toEqual({
      state: 'passed',
      summary: 'it went well (with churn:2)',
      at: now - 10 * dayMs,
      until: now + 80 * dayMs,
      evidence: `evidence-${id}`,
    });
    expect(check.judge(proved(evidence({ at: now - 90 * dayMs + 1 }))).state).toBe('passed');
    expect(check.judge(proved(evidence({ at: now - 90 * dayMs })))).toMatchObject({ state: 'stale', remedy });
  });

  test('fails by the newest, whatever went well before', () => {
    const newest = evidence({ passed: false, at: now - dayMs, summary: 'p95 was 900 ms' });
    expect(check.judge(proved(newest, evidence()))).toMatchObject({ state: 'failed', remedy });
    expect(check.judge(proved(evidence(), newest)).summary).toContain('p95 was 900 ms');
  });

  test('is missing where it was not done, whatever a person says of it', () => {
    expect(check.judge(proved(evidence({ source: 'person' })))).toMatchObject({ state: 'missing', remedy });
  });

  test('is not known of a file', () => expect(check.judge(bare).state).toBe('unknown'));
});

describe('R20, the objective', () => {
  test('is needed first', () => {
    expect(r20.judge({ ...sound, endpoint: { ...endpoint, objective: null } })).toMatchObject({
      state: 'missing',
      remedy: 'muster endpoint update fraud --objective "p95<200ms@20rps,errors<1%"',
    });
  });

  test.each([
    [{ objectiveLatencyMs: 300 }, '300 ms instead of 200 ms'],
    [{ objectivePercentile: 50 }, 'p50 instead of p95'],
    [{ objectiveRequestsPerSecond: 5 }, '5 instead of 20 requests per second'],
    [{ objectiveErrorPercent: 2 }, '2 % errors instead of 1 %'],
  ])('was looser than now', (figures, what) => {
    const outcome = r20.judge(proved(evidenceFor('R20', { figures: { ...figuresOfLoad, ...figures } })));
    expect(outcome).toMatchObject({ state: 'failed', remedy: 'muster drill load fraud' });
    expect(outcome.summary).toContain(what);
  });

  test('may have been stricter, and has to be known', () => {
    const strict = { ...figuresOfLoad, objectiveLatencyMs: 50, objectiveRequestsPerSecond: 500 };
    expect(r20.judge(proved(evidenceFor('R20', { figures: strict }))).state).toBe('passed');
    expect(r20.judge(proved(evidenceFor('R20'))).state).toBe('failed');
  });
});

describe('R23, canary or shadow', () => {
  const compared = (...given: readonly Partial<ComparisonFacts>[]): Facts => ({
    ...sound,
    comparisons: given.map((one) => ({
      role: 'shadow',
      from: now - 2 * dayMs,
      until: now - dayMs,
      requests: 100,
      errors: 1,
      ...one,
    })),
  });

  test('passes with a request and errors within the objective', () => {
    expect(r23.judge(sound)).toMatchObject({ state: 'passed', at: now - 4 * dayMs });
    expect(r23.judge(compared({ requests: 1, errors: 0 })).state).toBe('passed');
    expect(r23.judge(compared({ errors: 2 }, {})).state).toBe('passed');
  });

  test('fails where more errors came than may, or nobody counted them', () => {
    expect(r23.judge(compared({ errors: 2 }))).toMatchObject({
      state: 'failed',
      summary: 'churn:2 had 100 requests as shadow, 2 of them failed; at most 1 % may',
      remedy: 'muster deploy FILE --name fraud --canary 10%',
    });
    expect(r23.judge(compared({ errors: null })).state).toBe('failed');
  });

  test('is missing without a request in that time, or without any such time', () => {
    expect(r23.judge(compared({ requests: 0 }, { requests: null }))).toMatchObject({
      state: 'missing',
      remedy: 'muster deploy churn:2 --name fraud --canary 10%',
    });
    expect(r23.judge(compared({ requests: 0, until: null })).remedy).toBe('muster predict fraud');
    expect(r23.judge(compared()).state).toBe('missing');
  });

  test('does not apply to the first version, and is not known of a file', () => {
    expect(r23.judge({ ...compared(), isFirstVersion: true }).state).toBe('not-applicable');
    expect(r23.judge(bare).state).toBe('unknown');
  });
});

describe('R29, the runbook', () => {
  const attested = (given: Partial<EvidenceFacts> = {}): Facts =>
    proved(evidenceFor('R29', { source: 'person', figures: { runbook: 'https://wiki.example.org/fraud' }, ...given }));

  test('passes for 180 days after somebody signed for it', () => {
    expect(r29.judge(attested())).toMatchObject({ state: 'passed', until: now + 170 * dayMs });
    expect(r29.judge(attested({ at: now - 180 * dayMs })).state).toBe('stale');
  });

  test('is stale once the endpoint names another page', () => {
    const remedy = 'muster evidence attest fraud R29 --statement TEXT';
    expect(r29.judge(attested({ figures: { runbook: 'https://old.example.org' } }))).toMatchObject({
      state: 'stale',
      remedy,
    });
    expect(r29.judge(attested({ figures: {} })).state).toBe('stale');
  });

  test('fails where who read it says that it does not do', () => {
    expect(r29.judge(attested({ passed: false })).state).toBe('failed');
  });

  test('asks for the runbook first, then for who reads it', () => {
    expect(r29.judge({ ...sound, endpoint: { ...endpoint, runbook: null } })).toMatchObject({
      state: 'missing',
      remedy: 'muster endpoint update fraud --runbook URL',
    });
    expect(r29.judge(proved())).toMatchObject({
      state: 'missing',
      remedy: 'muster evidence attest fraud R29 --statement TEXT',
    });
    expect(r29.judge(bare).state).toBe('unknown');
  });
});

describe('R31, least privilege', () => {
  test('passes without a rule, and with rules in use until the first would have been unused too long', () => {
    expect(r31.judge(sound)).toEqual({ state: 'passed', summary: 'only its own team may call it' });
    expect(r31.judge(letsIn({}, { usedAt: now - 30 * dayMs }))).toEqual({
      state: 'passed',
      summary: '2 access rules, each in use',
      until: now + 60 * dayMs,
    });
  });

  test('lets a new rule wait for its first use', () => {
    expect(r31.judge(letsIn({ createdAt: now - 89 * dayMs, usedAt: null })).state).toBe('passed');
    expect(r31.judge(letsIn({ createdAt: now - dayMs, usedAt: now - 300 * dayMs })).state).toBe('passed');
  });

  test.each([
    [{ usedAt: null }, 'web-shop may call it and did not for 90 days', 'muster access revoke fraud web-shop'],
    [
      { usedAt: now - 90 * dayMs },
      'web-shop may call it and did not for 90 days',
      'muster access revoke fraud web-shop',
    ],
    [{ isAlive: false }, 'web-shop may call it and is disabled', 'muster access revoke fraud web-shop'],
    [
      { isAlive: false, subjectKind: 'team', subject: 'search' },
      'the team search may call it and has no members',
      'muster access revoke fraud --team search',
    ],
  ] as const)('fails by a rule that nobody uses or can use', (rule, summary, remedy) => {
    expect(r31.judge(letsIn({}, rule))).toMatchObject({ state: 'failed', summary, remedy });
  });

  test('does not mind a rule that has expired', () => {
    expect(r31.judge(letsIn({ isAlive: false, expiresAt: now })).state).toBe('passed');
  });

  test('is not known of a file', () => expect(r31.judge(bare).state).toBe('unknown'));
});
