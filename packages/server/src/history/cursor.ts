import { MusterError } from '@muster-ml/protocol';

/** The opaque cursor of a list that is ordered by a key and then by a name or id: both of the last item that was given. */
export function cursorOf(key: string | number, last: string): string {
  return Buffer.from(JSON.stringify([key, last])).toString('base64url');
}

/** Key and last item of a cursor, the key of the type that the order has. Throws `invalid_request` for one that no list gave. */
export function readCursor<K extends 'string' | 'number'>(
  cursor: string,
  type: K,
): readonly [key: K extends 'number' ? number : string, last: string] {
  const value = parsed(Buffer.from(cursor, 'base64url').toString());
  if (Array.isArray(value) && value.length === 2) {
    const [key, last] = value as unknown[];
    if (typeof key === type && typeof last === 'string' && isPlain(key) && isPlain(last))
      return [key as K extends 'number' ? number : string, last];
  }
  throw new MusterError('invalid_request', 'query.after: is not a cursor that this list gave', {
    place: 'query.after',
  });
}

/** What a database can compare with: PostgreSQL has no zero character in a text. */
function isPlain(value: unknown): boolean {
  return typeof value === 'number' ? Number.isSafeInteger(value) : !String(value).includes('\0');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
