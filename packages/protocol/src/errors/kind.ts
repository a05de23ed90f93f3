/** The twelve kinds of error. Each protocol maps a kind once: HTTP status, gRPC code, exit code. */
export const errorKinds = [
  'invalid',
  'too_large',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'failed_precondition',
  'exhausted',
  'deadline_exceeded',
  'unavailable',
  'unimplemented',
  'internal',
] as const;

export type ErrorKind = (typeof errorKinds)[number];

/** One entry of the catalogue. */
export interface CatalogueEntry {
  readonly kind: ErrorKind;
  /** What is wrong, as a short headline without a full stop. */
  readonly title: string;
  /** What to do about it, as one sentence; a place where the error is thrown may give a better one. */
  readonly remedy: string;
}

/** Checks a group of codes against the entry's type and keeps the literal keys. */
export function codes<const K extends string>(group: Record<K, CatalogueEntry>): Record<K, CatalogueEntry> {
  return group;
}
