import { open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MusterError, type StoredObject, type Upload } from '@muster-ml/protocol';
import type { Clock, NewId } from '../clock/index.ts';
import type { Database, Tx } from '../database/index.ts';
import { syncFolder } from './durable-files.ts';
import type { FolderObjectStore } from './folder-object-store.ts';
import { hashFile } from './hash-file.ts';
import { createKeyedLock } from './keyed-lock.ts';
import type { Uploads } from './object-store.ts';
import { createPartAttempts } from './part-attempts.ts';
import { receivePart, supersededPart } from './receive-part.ts';
import { isNotFound, toStorageError } from './storage-error.ts';
import {
  type UploadRow,
  type UploadTables,
  findParts,
  findUpload,
  partBytesFor,
  partNumbers,
  partRange,
  toUpload,
} from './upload-row.ts';

export interface UploadsParts {
  readonly objects: FolderObjectStore;
  readonly database: Database;
  readonly clock: Clock;
  readonly newId: NewId;
  /** The largest file that is taken. */
  readonly maxBytes: number;
  /** Size of the parts; for tests, which have no gigabytes. */
  readonly partBytes?: number | undefined;
  readonly crashPoint?: ((name: string) => void) | undefined;
}

/** From the last part on, an upload waits so long for the next. */
const keptMs = 24 * 60 * 60 * 1000;

/**
 * Uploads whose parts lie at their offsets of one sparse file in `incoming/`. A part is acknowledged by its row, which
 * comes after its bytes are synced, and from then on it never changes: a repeat is compared, not written. So completion
 * may hash and move the file without excluding anybody. The whole is hashed then, since a hash can't be kept between
 * requests.
 */
export function createUploads(parts: UploadsParts): Uploads {
  const { objects, database, clock, newId } = parts;
  const crashPoint = parts.crashPoint ?? (() => {});
  const attempts = createPartAttempts();
  /** Completing and dropping one upload exclude each other. */
  const locked = createKeyedLock();
  const fileOf = (id: string): string => objects.files.incomingPath(`upload-${id}`);

  const load = async (id: string, owner: string): Promise<UploadRow> => {
    const row = await findUpload(database.reader, id);
    if (row === undefined || row.owner !== owner || row.expires_at <= clock.now()) {
      throw noSuchUpload(id);
    }
    return row;
  };
  const view = async (id: string, owner: string): Promise<Upload> =>
    toUpload(await load(id, owner), await findParts(database.reader, id));

  const drop = async (id: string): Promise<void> => {
    await attempts.stopAll(id);
    // The row first: a file without a row is swept, a row without its file would accept parts in vain.
    await database.inTransaction(async (tx) => {
      await tx.withTables<UploadTables>().deleteFrom('upload').where('id', '=', id).execute();
    });
    await rm(fileOf(id), { force: true });
  };

  return {
    async start(wish) {
      if (wish.sizeBytes > parts.maxBytes) {
        throw new MusterError(
          'model_too_large',
          `the file has ${wish.sizeBytes} bytes; the limit is ${parts.maxBytes}`,
        );
      }
      const now = clock.now();
      const row: UploadRow = {
        id: newId(),
        owner: wish.owner,
        size: wish.sizeBytes,
        sha256: wish.sha256 ?? null,
        part_bytes: parts.partBytes ?? partBytesFor(wish.sizeBytes),
        state: 'open',
        digest: null,
        created_at: now,
        expires_at: now + keptMs,
      };
      const known = wish.mayReuse === true ? await startKnown(row) : undefined;
      if (known !== undefined) return toUpload(known, []);
      await makeFile(fileOf(row.id), wish.sizeBytes);
      await database.inTransaction(async (tx) => {
        await tx.withTables<UploadTables>().insertInto('upload').values(row).execute();
      });
      return toUpload(row, []);
    },

    get: view,

    async putPart(id, owner, number, source, sha256) {
      const row = await load(id, owner);
      const range = partRange(row, number);
      if (range === undefined) {
        const count = partNumbers(row).length;
        throw new MusterError('invalid_request', `the upload has ${count} parts, there is no part ${number}`, {
          place: 'part',
        });
      }
      // Everything is here: a late repeat of a part changes nothing.
      if (row.state !== 'open') return await view(id, owner);
      const attempt = await attempts.begin(id, number);
      try {
        const known = (await findParts(database.reader, id)).find((part) => part.number === number);
        const file = known === undefined ? fileOf(id) : undefined;
        const digest = await receivePart({ number, file, ...range, attempt }, source);
        if (sha256 !== undefined && sha256 !== digest) {
          throw new MusterError('digest_mismatch', `part ${number} has the SHA-256 ${digest}, not ${sha256}`);
        }
        if (known !== undefined && known.sha256 !== digest) {
          throw new MusterError('digest_mismatch', `part ${number} is here already with other content`, {
            remedy: 'Start a new upload for another file.',
          });
        }
        crashPoint('uploads.part-written');
        if (known === undefined) {
          // A write too: a newer try waits for it, and then finds the part to be here.
          const part = { number, size: range.sizeBytes, sha256: digest };
          if (!(await attempt.write(() => acknowledgePart(id, part)))) throw supersededPart(number);
        }
        crashPoint('uploads.part-acknowledged');
        return await view(id, owner);
      } catch (error) {
        throw isNotFound(error) ? noSuchUpload(id, error) : toStorageError(error);
      } finally {
        attempt.end();
      }
    },

    complete: (id, owner) =>
      locked(id, async () => {
        const row = await load(id, owner);
        if (row.digest !== null && row.state === 'completed') return { digest: row.digest, sizeBytes: row.size };
        const file = fileOf(id);
        try {
          // Its digest is known where a crash came after the hashing: parts don't change, so it still is.
          const object =
            row.digest === null ? await verifiedWhole(row, file) : { digest: row.digest, sizeBytes: row.size };
          await database.inTransaction((tx) => setState(tx, id, 'storing', object.digest));
          crashPoint('uploads.verified');
          await objects.adopt(file, object, (tx) => setState(tx, id, 'completed', object.digest));
          crashPoint('uploads.completed');
          return object;
        } catch (error) {
          throw isNotFound(error) ? noSuchUpload(id, error) : toStorageError(error);
        }
      }),

    abort: (id, owner) =>
      locked(id, async () => {
        await load(id, owner);
        await drop(id);
      }),

    async sweep() {
      const uploads = database.reader.withTables<UploadTables>();
      const expired = await uploads.selectFrom('upload').select('id').where('expires_at', '<=', clock.now()).execute();
      for (const { id } of expired) await locked(id, () => drop(id));
      for (const { name, writtenAt } of await objects.files.incomingFiles()) {
        // A file is made a moment before its row.
        if (!name.startsWith('upload-') || writtenAt > clock.now() - keptMs) continue;
        const row = await findUpload(database.reader, name.slice('upload-'.length));
        if (row === undefined || row.state === 'completed') await rm(objects.files.incomingPath(name), { force: true });
      }
    },
  };

  /** Starts an upload of content that is here as a completed one; undefined where it is not here. */
  async function startKnown(row: UploadRow): Promise<UploadRow | undefined> {
    const digest = row.sha256;
    if (digest === null) return undefined;
    try {
      return await database.inTransaction(async (tx) => {
        const { sizeBytes } = await objects.hold(tx, digest);
        if (sizeBytes !== row.size) return undefined;
        const completed: UploadRow = { ...row, state: 'completed', digest };
        await tx.withTables<UploadTables>().insertInto('upload').values(completed).execute();
        return completed;
      });
    } catch (error) {
      if (error instanceof MusterError && error.code === 'object_not_found') return undefined;
      throw error;
    }
  }

  async function acknowledgePart(id: string, part: { number: number; size: number; sha256: string }): Promise<void> {
    await database.inTransaction(async (tx) => {
      const db = tx.withTables<UploadTables>();
      await db
        .insertInto('upload_part')
        .values({ upload: id, ...part })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await db
        .updateTable('upload')
        .set({ expires_at: clock.now() + keptMs })
        .where('id', '=', id)
        .execute();
    });
  }

  /** Digest of the whole, compared with what was declared; what does not fit is dropped, since no part may change. */
  async function verifiedWhole(row: UploadRow, file: string): Promise<StoredObject> {
    const here = new Set((await findParts(database.reader, row.id)).map((part) => part.number));
    const missing = partNumbers(row).filter((number) => !here.has(number));
    if (missing.length > 0) {
      throw new MusterError(
        'upload_incomplete',
        `of ${partNumbers(row).length} parts these are missing: ${missing.slice(0, 20).join(', ')}${missing.length > 20 ? ' …' : ''}`,
        {
          details: { missing: missing.slice(0, 1000) },
        },
      );
    }
    const object = await hashFile(file);
    if (object.sizeBytes === row.size && (row.sha256 ?? object.digest) === object.digest) return object;
    await drop(row.id);
    throw new MusterError('digest_mismatch', `the file has the SHA-256 ${object.digest}, not ${row.sha256}`);
  }
}

async function setState(tx: Tx, id: string, state: UploadRow['state'], digest: string): Promise<void> {
  await tx.withTables<UploadTables>().updateTable('upload').set({ state, digest }).where('id', '=', id).execute();
}

/** Makes the empty file, its name durable, unless the volume can't hold what will come. */
async function makeFile(path: string, sizeBytes: number): Promise<void> {
  try {
    const volume = await statfs(dirname(path));
    const freeBytes = volume.bavail * volume.bsize;
    if (freeBytes < sizeBytes) {
      throw new MusterError('disk_full', `the file has ${sizeBytes} bytes; the object store has room for ${freeBytes}`);
    }
    await (await open(path, 'wx')).close();
    await syncFolder(dirname(path));
  } catch (error) {
    throw toStorageError(error);
  }
}

/** There is no such upload, or it is somebody else's. */
export function noSuchUpload(id: string, cause?: unknown): MusterError {
  return new MusterError('upload_not_found', `there is no upload ${id.slice(0, 100)}`, { cause });
}
