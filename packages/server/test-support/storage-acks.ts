import { join } from 'node:path';
import type { ReferenceSource } from '../src/platform/objects/index.ts';

/** What storage-child says once it was acknowledged. */
export type StorageAck =
  | { readonly kind: 'started' }
  | { readonly kind: 'transaction'; readonly id: string }
  | { readonly kind: 'object'; readonly digest: string }
  | { readonly kind: 'upload'; readonly id: string; readonly sha256: string }
  | { readonly kind: 'part'; readonly id: string; readonly number: number; readonly sha256: string }
  | { readonly kind: 'completed'; readonly id: string; readonly digest: string };

export const partBytes = 20_000;

export function storageFolder(folder: string): string {
  return join(folder, 'store');
}

/** Settings `reference:<digest>` refer to content; what `writeObjects` and uploads store is young and needs none. */
export const referencedIn: ReferenceSource = async (tx, digests) => {
  const rows = await tx
    .withTables<{ setting: { key: string } }>()
    .selectFrom('setting')
    .select('key')
    .where(
      'key',
      'in',
      digests.map((digest) => `reference:${digest}`),
    )
    .execute();
  return rows.map((row) => row.key.slice('reference:'.length));
};
