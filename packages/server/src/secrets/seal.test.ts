import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyIdOf } from './keyring.ts';
import { type EncryptionKey, type SealPlace, type SealedValue, open, rewrap, seal } from './seal.ts';

const keyOf = (bytes: Uint8Array): EncryptionKey => ({ id: keyIdOf(bytes), bytes });
const [key, other] = [keyOf(randomBytes(32)), keyOf(randomBytes(32))];
const place: SealPlace = { team: 'risk', id: 's1', version: 3 };
/** What Node says of a tag that does not fit, and what is found before it comes to that. */
const refused =
  /unable to authenticate|wrapped with the key|another length|Invalid (authentication tag|initialization vector)/;
const value = Buffer.from('correct horse battery staple');

describe('a sealed value', () => {
  it('opens to what was sealed, whatever that is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(open(key, place, seal(key, place, bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('is another each time: nothing tells that two values are the same', () => {
    const [a, b] = [seal(key, place, value), seal(key, place, value)];
    for (const part of ['wrappedKey', 'nonce', 'ciphertext', 'tag'] as const)
      expect(Buffer.from(a[part]).equals(b[part])).toBe(false);
  });

  it('does not open in the place of another team, secret or version', () => {
    const sealed = seal(key, place, value);
    for (const moved of [
      { ...place, team: 'sales' },
      { ...place, id: 's2' },
      { ...place, version: 4 },
    ])
      expect(() => open(key, moved, sealed)).toThrow(refused);
  });

  it('does not open with another key, also one that says it is the right one', () => {
    const sealed = seal(key, place, value);
    expect(() => open(other, place, sealed)).toThrow(refused);
    expect(() => open({ ...other, id: key.id }, place, sealed)).toThrow(refused);
  });

  it('does not open after any bit of it was changed, or it was cut', () => {
    const sealed = seal(key, place, value);
    const part = fc.constantFrom('wrappedKey' as const, 'nonce' as const, 'ciphertext' as const, 'tag' as const);
    fc.assert(
      fc.property(part, fc.nat(), fc.nat(7), fc.boolean(), (name, at, bit, isCut) => {
        const bytes = Buffer.from(sealed[name]);
        const changed = isCut ? bytes.subarray(0, at % bytes.length) : bytes;
        if (!isCut) changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ (1 << bit);
        expect(() => open(key, place, { ...sealed, [name]: changed })).toThrow(refused);
      }),
    );
  });

  it('does not open when parts of two values of one secret are mixed', () => {
    const [a, b] = [seal(key, place, value), seal(key, { ...place, version: 4 }, Buffer.from('something else'))];
    const mixes: SealedValue[] = [
      { ...a, ciphertext: b.ciphertext, tag: b.tag, nonce: b.nonce },
      { ...a, wrappedKey: b.wrappedKey },
      { ...b, wrappedKey: a.wrappedKey },
    ];
    for (const mixed of mixes)
      for (const version of [3, 4]) expect(() => open(key, { ...place, version }, mixed)).toThrow(refused);
  });

  it('opens with the new key only once its data key was wrapped anew, and its value stays untouched', () => {
    const sealed = seal(key, place, value);
    const anew = { ...sealed, ...rewrap(key, other, place, sealed) };
    expect(anew.ciphertext).toBe(sealed.ciphertext);
    expect(open(other, place, anew)).toEqual(value);
    expect(() => open(key, place, anew)).toThrow(refused);
    expect(() => rewrap(key, other, { ...place, version: 4 }, sealed)).toThrow(refused);
  });
});
