import type { Readable } from 'node:stream';
import type { StoredObject, Upload } from '@muster-ml/protocol';
import type { Tx } from '../database/index.ts';

/**
 * Content-addressed bytes: a folder now, S3 later. What has a digest never changes; what is acknowledged is on disk
 * and was hashed. Rooms keep digests; one sweeper asks them which are alive.
 */
export interface ObjectStore {
  readonly kind: 'folder';

  /** Stores a stream. Throws `body_too_large` beyond `maxBytes` and `digest_mismatch` where `sha256` differs; then nothing stays. */
  put(
    source: AsyncIterable<Uint8Array>,
    limits: { readonly maxBytes: number; readonly sha256?: string },
  ): Promise<StoredObject>;

  /** Size of stored content, or undefined. */
  stat(digest: string): Promise<StoredObject | undefined>;

  /** Streams content, or a byte range of it (`end` inclusive). Throws `object_not_found`, `object_corrupt`. */
  read(digest: string, range?: { readonly start: number; readonly end: number }): Promise<Readable>;

  /** A local file with the content, for programs that need a path; nobody may write to it. Throws as `read` does. */
  localFile(digest: string): Promise<string>;

  /**
   * Part of every transaction that begins to refer to content: keeps the sweeper away from it until the reference is
   * committed and its room answers for it. Throws `object_not_found`.
   */
  hold(tx: Tx, digest: string): Promise<StoredObject>;

  /** A room tells which digests it refers to; every room that keeps digests does, before the first sweep. */
  registerReferences(source: ReferenceSource): void;

  /**
   * Removes what nobody refers to and nobody has touched for a day, and what crashes left. Answers how many objects went.
   * Refuses to run while no room has registered: it would remove everything.
   */
  sweep(): Promise<number>;

  isHealthy(): Promise<boolean>;
}

/** Of the digests that it is asked about (at most 500), those that the room refers to, as of the transaction. */
export type ReferenceSource = (tx: Tx, digests: readonly string[]) => Promise<readonly string[]>;

/** Resumable uploads in parts, into the object store. */
export interface Uploads {
  /**
   * Throws `model_too_large` beyond the limit. With `mayReuse`, known content (same digest and size) gives a completed
   * upload: only for who may see that content, else a digest would do in place of the file.
   */
  start(wish: {
    readonly sizeBytes: number;
    readonly sha256?: string | undefined;
    readonly owner: string;
    readonly mayReuse?: boolean;
  }): Promise<Upload>;
  /** Throws `upload_not_found` also for another owner's. */
  get(id: string, owner: string): Promise<Upload>;
  /** Writes part `number` (from 1) durably; its length must be exact. Repeats are safe. Throws `digest_mismatch` where `sha256` (of the part) differs. */
  putPart(
    id: string,
    owner: string,
    number: number,
    source: AsyncIterable<Uint8Array>,
    sha256?: string,
  ): Promise<Upload>;
  /** Hashes the whole off the main thread, compares it with what was declared, stores it. Repeats give the same answer. */
  complete(id: string, owner: string): Promise<StoredObject>;
  abort(id: string, owner: string): Promise<void>;
  /** Drops uploads past their expiry and what crashes left in `incoming`. */
  sweep(): Promise<void>;
}
