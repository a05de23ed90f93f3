import { MusterError } from '@muster-ml/protocol';

/** What both databases store alike. Booleans are 0 or 1, times milliseconds, JSON text: the store converts. */
export type BoundValue = null | string | number | bigint | Uint8Array;

/**
 * Checks the parameters of a statement, on both databases: what one of them would bend silently (a `Date` that SQLite
 * binds as NULL, `undefined` that PostgreSQL takes for NULL, an object that it writes as JSON) is a bug, and text that
 * one of them can't hold is refused as the user's input.
 */
export function checkBoundValues(parameters: readonly unknown[]): readonly BoundValue[] {
  for (const [index, value] of parameters.entries()) check(value, index);
  return parameters as readonly BoundValue[];
}

function check(value: unknown, index: number): void {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0')) throw new MusterError('invalid_request', 'text may not hold the character U+0000');
      if (!value.isWellFormed()) throw new MusterError('invalid_request', 'text must be well-formed Unicode');
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`parameter ${index}: ${value} can't be stored`);
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        throw new TypeError(`parameter ${index}: integers beyond 2^53 can't be stored`);
      }
      return;
    case 'bigint':
      return;
    default:
      if (value === null || value instanceof Uint8Array) return;
      throw new TypeError(`parameter ${index}: a ${value instanceof Date ? 'Date' : typeof value} can't be bound`);
  }
}
