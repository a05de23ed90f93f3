import { checks } from '@muster-ml/protocol';
import { expect, test } from 'vitest';
import { type WaiverRecord, decidedWaiver, endOf, refuseUnwaivable, stateOf } from './waiver.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 10, 1);
const waiver: WaiverRecord = {
  id: 'w1',
  endpointId: 'e1',
  check: 'R21',
  reason: 'One runner for now.',
  until: now + 10 * day,
  state: 'requested',
  requested: { by: 'dan', at: now },
  decided: null,
};
const iso = (time: number): string => new Date(time).toISOString();
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('a waiver ends by itself, whatever it was, unless it was refused or revoked', () => {
  const end = waiver.until;
  expect(stateOf({ state: 'approved', until: end }, end - 1)).toBe('approved');
  expect(stateOf({ state: 'approved', until: end }, end)).toBe('expired');
  expect(stateOf({ state: 'requested', until: end }, end)).toBe('expired');
  expect(stateOf({ state: 'rejected', until: end }, end)).toBe('rejected');
  expect(stateOf({ state: 'revoked', until: end }, end)).toBe('revoked');
});

test('its end lies in the future, at most 90 days away, as the clock here says', () => {
  expect(endOf(iso(now + 1), now)).toBe(now + 1);
  expect(endOf(iso(now + 90 * day), now)).toBe(now + 90 * day);
  expect(endOf(iso(now + 90 * day + 60_000), now)).toBe(now + 90 * day);
  expect(codeOf(() => endOf(iso(now), now))).toBe('invalid_request');
  expect(codeOf(() => endOf(iso(now + 91 * day), now))).toBe('invalid_request');
});

test('whose it is, that its file is safe, its review and least privilege are never waived', () => {
  const refused = checks.filter((check) => codeOf(() => refuseUnwaivable(check, { kind: 'served', name: 'fraud' })));
  expect(refused.map(({ id }) => id)).toEqual(['R01', 'R05', 'R19', 'R31']);
});

test.each([
  ['requested', ['approved', 'rejected', 'revoked']],
  ['approved', ['revoked']],
  ['rejected', []],
  ['revoked', []],
] as const)('of one that is %s may be made %j', (state, steps) => {
  const decided = { by: 'olga', at: now + 1, reason: 'It is right so.' };
  const possible = (['approved', 'rejected', 'revoked'] as const).filter(
    (step) => codeOf(() => decidedWaiver({ ...waiver, state }, step, decided)) === undefined,
  );
  expect(possible).toEqual(steps);
  const late = { ...decided, at: waiver.until };
  for (const step of ['approved', 'rejected', 'revoked'] as const)
    expect(codeOf(() => decidedWaiver({ ...waiver, state }, step, late))).toBe('waiver_state');
});
