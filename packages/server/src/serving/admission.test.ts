import { createHash } from 'node:crypto';
import { MusterError } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { aTable } from '../../test-support/serving-twins.ts';
import type { TokenGrant } from '../identity/index.ts';
import { type TableAdmission, createAdmission } from './admission.ts';
import { indexTable } from './applied-table.ts';

const token = `mstp_${'aB3'.repeat(16)}x`;

function grantOf(text: string, overrides: Partial<TokenGrant> = {}): TokenGrant {
  return {
    digest: createHash('sha256').update(text).digest('hex'),
    tokenId: 't',
    actor: 'a',
    expiresAt: null,
    predict: '*',
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

  test('a token reaches the endpoints of its grant, or all', () => {
    const admission = anAdmission([]);
    expect(admission.mayPredict(grantOf(token), 'any')).toBe(true);
    const some = grantOf(token, { predict: ['one'] });
    expect([admission.mayPredict(some, 'one'), admission.mayPredict(some, 'two')]).toEqual([true, false]);
  });
});
