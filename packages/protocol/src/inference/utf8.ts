/** Bytes of a code point in UTF-8. */
export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Writes a code point as UTF-8 at `at`; answers the position behind it. */
export function writeCodePoint(target: Uint8Array, at: number, codePoint: number): number {
  if (codePoint < 0x80) {
    target[at] = codePoint;
    return at + 1;
  }
  const length = utf8Length(codePoint);
  target[at] = ((0xf00 >> length) & 0xff) | (codePoint >> (6 * (length - 1)));
  for (let i = 1; i < length; i++) target[at + i] = 0x80 | ((codePoint >> (6 * (length - 1 - i))) & 0x3f);
  return at + length;
}

/** Whether the bytes from `start` to `stop` are UTF-8: no overlong forms, no surrogates, nothing cut off. */
export function isUtf8(bytes: Uint8Array, start: number, stop: number): boolean {
  for (let at = start; at < stop;) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length === 0 || at + length > stop) return false;
    const second = bytes[at + 1] ?? 0;
    // The second byte's range rules out overlong forms, surrogates, and what lies beyond U+10FFFF.
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return false;
    for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return false;
    at += length;
  }
  return true;
}
