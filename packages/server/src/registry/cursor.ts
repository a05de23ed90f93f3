import { MusterError } from '@muster-ml/protocol';

/** The opaque cursor of a list: the key of the last item that was given. */
export function cursorOf(key: string | number): string {
  return Buffer.from(String(key)).toString('base64url');
}

/** The key in a cursor. */
export function keyIn(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString();
}

/** The number in a cursor. Throws `invalid_request` for a cursor that no list gave. */
export function numberIn(cursor: string): number {
  const number = Number(keyIn(cursor));
  if (!Number.isSafeInteger(number))
    throw new MusterError('invalid_request', 'the cursor is not one that a list gave', { place: 'query.after' });
  return number;
}
