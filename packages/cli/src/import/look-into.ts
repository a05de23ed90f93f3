/** A part of a document that came from outside, by its path; undefined where it is not there. */
export function partOf(value: unknown, ...path: readonly string[]): unknown {
  let part: unknown = value;
  for (const key of path) {
    if (!isRecord(part) || !Object.hasOwn(part, key)) return undefined;
    part = part[key];
  }
  return part;
}

/** A text that is not empty. */
export function textOf(value: unknown, ...path: readonly string[]): string | undefined {
  const part = partOf(value, ...path);
  return typeof part === 'string' && part.trim() !== '' ? part.trim() : undefined;
}

/** A list; empty where there is none. */
export function listOf(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const part = partOf(value, ...path);
  return Array.isArray(part) ? (part as readonly unknown[]) : [];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
