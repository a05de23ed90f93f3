import { servingSettingsSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import { digestOf } from '../ledger/index.ts';

/** A version and how it is served: what is approved. */
export interface ServedSubject {
  readonly model: string;
  readonly version: number;
  /** Of the version's file. */
  readonly digest: string;
  /** What is left out is the default. */
  readonly settings: z.input<typeof servingSettingsSchema>;
}

/**
 * Digest of a version and how it is served: the same for the same settings, in whatever order they stand and whether
 * defaults are spelt out. Two are equal where callers would be answered by the same.
 */
export function servedDigestOf({ model, version, digest, settings }: ServedSubject): string {
  return digestOf({ model, version, digest, settings: exact(servingSettingsSchema.parse(settings)) });
}

/** The canonical form knows no fractions; a number is told from a text by its mark. */
function exact(value: unknown): unknown {
  if (typeof value === 'number') return { number: String(value) };
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, of]) => (of === undefined ? [] : [[key, exact(of)] as const])),
  );
}
