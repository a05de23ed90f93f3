import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * The token of the admin in e2e/fixtures/data-folder-0005.tar.gz, in the form that release gave it. It is computed, so
 * that no token lies in the repository, and it is good for nothing else.
 */
export function fixtureToken(): string {
  const seed = createHash('sha256').update('the data folder of an old release').digest('hex');
  const head = `mstp_${toBase62(BigInt(`0x${seed}`), 43)}`;
  return head + toBase62(BigInt(crc32(head)), 6);
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
