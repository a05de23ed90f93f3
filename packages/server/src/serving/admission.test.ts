import { createHash } from 'node:crypto';
import { MusterError } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { aTable } from '../../test-support/serving-twins.ts';
import type { Reach, TokenGrant } from '../identity/index.ts';
import { type TableAdmission, createAdmission } from './admission.ts';
import { indexTable } from './applied-table.ts';
import { createReachSets } from './reach-sets.ts';

const token = `mstp_${'aB3'.repeat(16)}x`;

const everything: Reach = { teams: '*', endpoints: [] };
const nothing: Reach = { teams: [], endpoints: [] };

function grantOf(text: string, overrides: Partial<TokenGrant> = {}): TokenGrant {
  return {
    digest: createHash('sha256').update(text).digest('hex'),
    tokenId: 't',
    actor: 'a',
    expiresAt: null,
    see: everything,
    predict: everything,
    ...overrides,
  };
}

function anAdmission(grants: readonly TokenGrant[], state = { nowMs: 1000, isStale: false }): TableAdmission {
  const admission = createAdmission({
    clock: { now: () => state.nowMs, after: () => () => undefined },
    isStale: () => state.isStale,
  });
  admission.apply(indexTable(aTable(1, [], { tokens: grants })));
  return admission;
}

function codeOf(admission: TableAdmission, text: string | undefined): string {
  try {
    admission.authenticate(text);
    return 'admitted';
  } catch (thrown) {
    return thrown instanceof MusterError ? thrown.code : String(thrown);
  }
}

describe('admission', () => {
  test('knows a token by its digest, again and again', () => {
    const admission = anAdmission([grantOf(token)]);
    expect(admission.authenticate(token)).toEqual(grantOf(token));
    expect(admission.authenticate(token)).toBe(admission.authenticate(token));
  });

  test.each([
    [undefined, 'token_missing'],
    ['', 'token_missing'],
    ['junk', 'token_invalid'],
    ['x'.repeat(100_000), 'token_invalid'],
    [`mstp_${'z'.repeat(49)}`, 'token_invalid'],
  ])('refuses %.20s', (text, code) => {
    expect(codeOf(anAdmission([grantOf(token)]), text)).toBe(code);
  });

  test('forgets with the next table, so that a revoked token ends there', () => {
    const admission = anAdmission([grantOf(token)]);
    expect(codeOf(admission, token)).toBe('admitted');
    admission.apply(indexTable(aTable(2, [])));
    expect(codeOf(admission, token)).toBe('token_invalid');
  });

  test('looks at the expiry at each use', () => {
    const state = { nowMs: 1000, isStale: false };
    const admission = anAdmission([grantOf(token, { expiresAt: 2000 })], state);
    expect(codeOf(admission, token)).toBe('admitted');
    state.nowMs = 2000;
    expect(codeOf(admission, token)).toBe('token_expired');
  });

  test('decides nothing by a table that is too old', () => {
    expect(codeOf(anAdmission([grantOf(token)], { nowMs: 0, isStale: true }), token)).toBe('control_unavailable');
  });

  test('decides nothing before the first table, and does not say that the token is wrong', () => {
    const admission = createAdmission({ clock: { now: () => 0, after: () => () => undefined } });
    expect(codeOf(admission, token)).toBe('control_unavailable');
    admission.apply(indexTable(undefined));
    expect(codeOf(admission, token)).toBe('control_unavailable');
  });

  test('reaches by team, by name, or all', () => {
    const admission = anAdmission([]);
    const mayCall = (grant: TokenGrant, name: string, team: string): boolean =>
      admission.mayPredict(grant, { name, team });
    expect(mayCall(grantOf(token), 'any', 'of-any')).toBe(true);
    const some = grantOf(token, { predict: { teams: ['risk'], endpoints: ['one'] } });
    expect([mayCall(some, 'x', 'risk'), mayCall(some, 'one', 'sales'), mayCall(some, 'two', 'sales')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('seeing is not calling, but calling is seeing', () => {
    const admission = anAdmission([]);
    const endpoint = { name: 'e', team: 'risk' };
    const seer = grantOf(token, { predict: nothing });
    expect([admission.sees(seer, endpoint), admission.mayPredict(seer, endpoint)]).toEqual([true, false]);
    const caller = grantOf(token, { see: nothing });
    expect([admission.sees(caller, endpoint), admission.mayPredict(caller, endpoint)]).toEqual([true, true]);
  });

  test('a limited token has nothing outside of its limits', () => {
    const admission = anAdmission([]);
    const limited = grantOf(token, { within: { teams: [], endpoints: ['e'] } });
    const inside = { name: 'e', team: 'risk' };
    const outside = { name: 'f', team: 'risk' };
    expect([admission.sees(limited, inside), admission.mayPredict(limited, inside)]).toEqual([true, true]);
    expect([admission.sees(limited, outside), admission.mayPredict(limited, outside)]).toEqual([false, false]);
    expect([admission.seesEverything(limited), admission.seesEverything(grantOf(token))]).toEqual([false, true]);
  });

  test('1,000 tokens that reach the same 1,000 endpoints share one set', () => {
    const endpoints = Array.from({ length: 1000 }, (_, index) => `endpoint-${index}`);
    const setOf = createReachSets();
    const sets = new Set(Array.from({ length: 1000 }, () => setOf({ teams: [], endpoints: [...endpoints] })));
    expect(sets.size).toBe(1);
  });
});
