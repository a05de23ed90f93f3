import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, open, rm } from 'node:fs/promises';
import { MusterError, type StoredObject } from '@muster-ml/protocol';
import type { Clock, NewId } from '../clock/index.ts';
import type { Database, Tx } from '../database/index.ts';
import { createDurableWriter } from './durable-files.ts';
import { createKeyedLock } from './keyed-lock.ts';
import { type ObjectFolder, openObjectFolder } from './object-folder.ts';
import {
  type ObjectTables,
  announceObject,
  assertDigest,
  confirmObject,
  holdObject,
  noSuchObject,
} from './object-row.ts';
import type { ObjectStore, ReferenceSource } from './object-store.ts';
import { toStorageError } from './storage-error.ts';
import { sweepObjects } from './sweep-objects.ts';

export interface ObjectStoreParts {
  /** Folder on a local disk; `incoming` and `objects` in it are ours. */
  readonly folder: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Named moments, for the tests that kill the process there. */
  readonly crashPoint?: ((name: string) => void) | undefined;
}

/** The folder store, with what uploads need of it. */
export interface FolderObjectStore extends ObjectStore {
  readonly files: ObjectFolder;
  /**
   * Takes a synced file of `incoming` over as stored content. `also` joins the transaction that says so, which is the
   * moment from which the content is there.
   */
  adopt(incomingPath: string, object: StoredObject, also?: (tx: Tx) => Promise<void>): Promise<void>;
}

/**
 * Opens the object store in a folder. The order of a write is what makes it safe: file written and synced → row
 * `arriving` → rename → folder synced → row `stored`, and only then a room may refer to it. One process writes a folder.
 */
export async function createObjectStore(parts: ObjectStoreParts): Promise<FolderObjectStore> {
  const { database, clock, newId } = parts;
  const crashPoint = parts.crashPoint ?? (() => {});
  const files = await openObjectFolder(parts.folder);
  const reader = database.reader.withTables<ObjectTables>();
  /** Adoption and removal of one content exclude each other, else a slow removal would take a file just put. */
  const locked = createKeyedLock();
  const references: ReferenceSource[] = [];
  /** Names in `incoming` that a running `put` writes to. */
  const writing = new Set<string>();

  const removeContent = async (digest: string): Promise<void> => {
    await files.remove(digest);
    crashPoint('objects.file-removed');
    await database.inTransaction(async (tx) => {
      const rows = tx.withTables<ObjectTables>().deleteFrom('object');
      await rows.where('digest', '=', digest).where('state', '=', 'deleting').execute();
    });
  };

  const adopt: FolderObjectStore['adopt'] = (incomingPath, object, also) =>
    locked(object.digest, async () => {
      const announce = () => database.inTransaction((tx) => announceObject(tx, object, clock.now()));
      while (!(await announce())) await removeContent(object.digest);
      await files.adopt(incomingPath, object, crashPoint);
      await database.inTransaction(async (tx) => {
        await confirmObject(tx, object.digest, clock.now());
        await also?.(tx);
      });
      crashPoint('objects.stored');
    });

  const stat = async (digest: string): Promise<StoredObject | undefined> => {
    assertDigest(digest);
    const row = await reader
      .selectFrom('object')
      .select('size')
      .where('digest', '=', digest)
      .where('state', '=', 'stored')
      .executeTakeFirst();
    return row === undefined ? undefined : { digest, sizeBytes: row.size };
  };

  /** Path of content whose file is as long as it was. */
  const pathOfStored = async (digest: string): Promise<string> => {
    const object = await stat(digest);
    if (object === undefined) throw noSuchObject(digest);
    const sizeBytes = await files.sizeOf(digest);
    if (sizeBytes !== object.sizeBytes) {
      const found = sizeBytes === undefined ? 'is missing' : `has ${sizeBytes} bytes instead of ${object.sizeBytes}`;
      throw new MusterError('object_corrupt', `the file of the content ${digest} ${found}`);
    }
    return files.pathOf(digest);
  };

  return {
    kind: 'folder',
    files,
    adopt,
    stat,
    async put(source, limits) {
      const name = `put-${newId()}`;
      const path = files.incomingPath(name);
      writing.add(name);
      try {
        const object = await writeIncoming(path, source, limits.maxBytes);
        if (limits.sha256 !== undefined && limits.sha256 !== object.digest) {
          throw new MusterError(
            'digest_mismatch',
            `the content has the SHA-256 ${object.digest}, not ${limits.sha256}`,
          );
        }
        crashPoint('objects.written');
        await adopt(path, object);
        return object;
      } catch (error) {
        await rm(path, { force: true });
        throw toStorageError(error);
      } finally {
        writing.delete(name);
      }
    },
    async read(digest, range) {
      const path = await pathOfStored(digest);
      return createReadStream(path, range === undefined ? {} : { start: range.start, end: range.end });
    },
    localFile: pathOfStored,
    async hold(tx, digest) {
      assertDigest(digest);
      return await holdObject(tx, digest, clock.now());
    },
    registerReferences: (source) => void references.push(source),
    sweep: async () => await sweepObjects({ database, clock, files, references, writing, locked, removeContent }),
    async isHealthy() {
      try {
        await access(files.root, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** Writes a stream to a new file, hashed on the way and synced at the end. */
async function writeIncoming(path: string, source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredObject> {
  const file = await open(path, 'wx');
  try {
    const hash = createHash('sha256');
    const writer = createDurableWriter(file, 0);
    let sizeBytes = 0;
    for await (const chunk of source) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxBytes) throw new MusterError('body_too_large', `the content is larger than ${maxBytes} bytes`);
      hash.update(chunk);
      await writer.write(chunk);
    }
    await writer.sync();
    return { digest: hash.digest('hex'), sizeBytes };
  } finally {
    await file.close();
  }
}
