import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * A token is `mst`, its kind, `_`, 43 base-62 characters of 32 random bytes and 6 of their CRC-32: 54 characters. The
 * checksum lets scanners and the server drop junk without a read; it is no security. Only its SHA-256 is kept: guessing
 * 256 bits is hopeless, so a slow hash would only cost time.
 */
export type TokenKind = 'personal' | 'service' | 'endpoint';

const letters: Readonly<Record<TokenKind, string>> = { personal: 'p', service: 's', endpoint: 'e' };
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const form = /^mst[pse]_[0-9A-Za-z]{49}$/;

/** Makes a token; show it once, keep `tokenDigest` of it. */
export function newToken(kind: TokenKind, random: Uint8Array = randomBytes(32)): string {
  const head = `mst${letters[kind]}_${toBase62(BigInt(`0x${Buffer.from(random).toString('hex')}`), 43)}`;
  return head + checksumOf(head);
}

/** Whether a text has a token's form and checksum; cheap, before any look-up. */
export function looksLikeToken(text: string): boolean {
  return form.test(text) && checksumOf(text.slice(0, -6)) === text.slice(-6);
}

/** SHA-256 of a token in hexadecimal, the form in which it is kept. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The token in an Authorization header: `Bearer token`, or `Basic` with the token as password (clients without a bearer option). */
export function tokenInHeader(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const [scheme = '', value = ''] = authorization.trim().split(/ +/, 2);
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

function checksumOf(head: string): string {
  return toBase62(BigInt(crc32(head)), 6);
}

function toBase62(value: bigint, width: number): string {
  let rest = value;
  let text = '';
  for (let at = 0; at < width; at++) {
    text = (base62[Number(rest % 62n)] ?? '0') + text;
    rest /= 62n;
  }
  return text;
}
