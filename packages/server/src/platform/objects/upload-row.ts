import type { Upload } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';

export type UploadTables = {
  upload: {
    id: string;
    owner: string;
    size: number;
    sha256: string | null;
    part_bytes: number;
    state: 'open' | 'storing' | 'completed';
    digest: string | null;
    created_at: number;
    expires_at: number;
  };
  upload_part: { upload: string; number: number; size: number; sha256: string };
};

export type UploadRow = UploadTables['upload'];
export type UploadPartRow = UploadTables['upload_part'];

export async function findUpload(db: Kysely<unknown>, id: string): Promise<UploadRow | undefined> {
  const uploads = db.withTables<UploadTables>().selectFrom('upload').selectAll();
  return await uploads.where('id', '=', id).executeTakeFirst();
}

/** Whether the owner has sent this content whole, and lately: uploads are forgotten after a day. */
export async function isUploadedBy(db: Kysely<unknown>, owner: string, digest: string): Promise<boolean> {
  const row = await db
    .withTables<UploadTables>()
    .selectFrom('upload')
    .select('id')
    .where('owner', '=', owner)
    .where('digest', '=', digest)
    .where('state', '=', 'completed')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function findParts(db: Kysely<unknown>, id: string): Promise<readonly UploadPartRow[]> {
  const parts = db.withTables<UploadTables>().selectFrom('upload_part').selectAll();
  return await parts.where('upload', '=', id).orderBy('number').execute();
}

/** The upload as the API shows it; being put into place is part of being open. */
export function toUpload(row: UploadRow, parts: readonly UploadPartRow[]): Upload {
  return {
    id: row.id,
    sizeBytes: row.size,
    ...(row.sha256 === null ? {} : { sha256: row.sha256 }),
    partBytes: row.part_bytes,
    received: row.state === 'completed' ? partNumbers(row) : parts.map((part) => part.number),
    state: row.state === 'completed' ? 'completed' : 'open',
    createdAt: new Date(row.created_at).toISOString(),
    expiresAt: new Date(row.expires_at).toISOString(),
  };
}

/** Numbers of all the parts of an upload, from 1. */
export function partNumbers(row: UploadRow): number[] {
  return Array.from({ length: Math.ceil(row.size / row.part_bytes) }, (_, index) => index + 1);
}

/** Where a part lies in the whole; undefined for a number that the upload does not have. */
export function partRange(
  row: UploadRow,
  number: number,
): { readonly start: number; readonly sizeBytes: number } | undefined {
  const start = (number - 1) * row.part_bytes;
  if (!Number.isSafeInteger(number) || number < 1 || start >= row.size) return undefined;
  return { start, sizeBytes: Math.min(row.part_bytes, row.size - start) };
}

const mebibyte = 1024 * 1024;
const smallestPart = 16 * mebibyte;
const mostParts = 10_000;

/** Size of the parts of an upload: 16 MiB, or more for what would have more than 10,000 parts. */
export function partBytesFor(sizeBytes: number): number {
  return Math.max(smallestPart, Math.ceil(sizeBytes / mostParts / mebibyte) * mebibyte);
}
