import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looksLikeToken, newToken, tokenDigest, tokenInHeader } from './token.ts';

describe('a token', () => {
  it('has 54 characters, its kind in the fourth, and passes its own checksum', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.constantFrom('personal' as const, 'service' as const),
        (random, kind) => {
          const token = newToken(kind, random);
          expect(token).toHaveLength(54);
          expect(token.slice(0, 5)).toBe(kind === 'personal' ? 'mstp_' : 'msts_');
          expect(looksLikeToken(token)).toBe(true);
        },
      ),
    );
  });

  it('is recognised as broken when any one character is changed', () => {
    const token = newToken('personal');
    for (let at = 5; at < token.length; at++) {
      const other = token[at] === 'a' ? 'b' : 'a';
      expect(looksLikeToken(token.slice(0, at) + other + token.slice(at + 1))).toBe(false);
    }
  });

  it('is never made twice', () => {
    expect(newToken('personal')).not.toBe(newToken('personal'));
  });

  it('is read from a bearer header and from the password of a basic one', () => {
    const token = newToken('service');
    expect(tokenInHeader(`Bearer ${token}`)).toBe(token);
    expect(tokenInHeader(`bearer  ${token}`)).toBe(token);
    expect(tokenInHeader(`Basic ${Buffer.from(`me:${token}`).toString('base64')}`)).toBe(token);
    expect(tokenInHeader('Digest x')).toBeUndefined();
    expect(tokenInHeader(undefined)).toBeUndefined();
  });

  it('is kept as a digest that does not contain it', () => {
    const token = newToken('personal');
    expect(tokenDigest(token)).toMatch(/^[0-9a-f]{64}$/);
  });
});
