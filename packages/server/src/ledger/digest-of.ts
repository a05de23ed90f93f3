import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

/** SHA-256 (hexadecimal) of an object's canonical JSON: what an entry says of the object `before` and `after`. */
export function digestOf(object: unknown): string {
  return createHash('sha256').update(canonicalJson(object)).digest('hex');
}
