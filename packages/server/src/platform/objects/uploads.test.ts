import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { MusterError } from '@muster-ml/protocol';
import type { Uploads } from './object-store.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../../test-support/database.ts';
import { chunksOf, createStillClock, openTestObjects } from '../../../test-support/objects.ts';
import { createIds } from '../clock/index.ts';
import { partBytesFor } from './upload-row.ts';
import { createUploads } from './uploads.ts';

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
const partBytes = 1000;
const content = randomBytes(2500);
const part = (number: number): Buffer => content.subarray((number - 1) * partBytes, number * partBytes);
const owner = 'alice';

describe.each(databaseKinds)('uploads, rows on %s', (kind) => {
  let opened: TestDatabase;
  let store: Awaited<ReturnType<typeof openTestObjects>>;
  let uploads: Uploads;
  const clock = createStillClock();

  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    store = await openTestObjects(opened.database, { clock });
    uploads = createUploads({
      objects: store.objects,
      database: opened.database,
      clock,
      newId: createIds(clock),
      maxBytes: 5_000_000,
      partBytes,
    });
  });
  afterEach(async () => {
    await store.close();
    await opened.close();
  });

  const send = (id: string, number: number, digest?: string) =>
    uploads.putPart(id, owner, number, chunksOf(part(number)), digest);

  test('parts in any order, repeated at will, become the whole', async () => {
    const upload = await uploads.start({ sizeBytes: 2500, sha256: sha256(content), owner });
    expect(upload).toMatchObject({ sizeBytes: 2500, partBytes, received: [], state: 'open' });
    await send(upload.id, 3);
    await send(upload.id, 1, sha256(part(1)));
    expect(await uploads.get(upload.id, owner)).toMatchObject({ received: [1, 3], state: 'open' });
    await expect(uploads.complete(upload.id, owner)).rejects.toMatchObject({
      code: 'upload_incomplete',
      message: 'of 3 parts these are missing: 2',
    });
    await send(upload.id, 1);
    await send(upload.id, 2);
    const stored = await uploads.complete(upload.id, owner);
    expect(stored).toEqual({ digest: sha256(content), sizeBytes: 2500 });
    expect(await uploads.complete(upload.id, owner)).toEqual(stored);
    expect(await send(upload.id, 2)).toMatchObject({ state: 'completed', received: [1, 2, 3] });
    expect(await buffer(await store.objects.read(stored.digest))).toEqual(content);
    expect(await readdir(join(store.folder, 'incoming'))).toEqual([]);
  });

  test('a large file is hashed in a thread of its own', async () => {
    const large = randomBytes(4_500_000);
    const wholeInOne = createUploads({ ...parts(), partBytes: 5_000_000 });
    const { id } = await wholeInOne.start({ sizeBytes: large.byteLength, owner });
    await wholeInOne.putPart(id, owner, 1, chunksOf(large));
    expect(await wholeInOne.complete(id, owner)).toEqual({ digest: sha256(large), sizeBytes: large.byteLength });
  });

  test('completing twice at once gives one answer', async () => {
    const { id } = await uploads.start({ sizeBytes: 2500, owner });
    for (const number of [1, 2, 3]) await send(id, number);
    const [one, other] = await Promise.all([uploads.complete(id, owner), uploads.complete(id, owner)]);
    expect(one).toEqual(other);
  });

  test('content that is known completes at once for who may see it', async () => {
    await store.objects.put(chunksOf(content), { maxBytes: 5000 });
    const wish = { sizeBytes: 2500, sha256: sha256(content), owner };
    expect(await uploads.start(wish)).toMatchObject({ state: 'open' });
    const upload = await uploads.start({ ...wish, mayReuse: true });
    expect(upload).toMatchObject({ state: 'completed', received: [1, 2, 3] });
    expect(await uploads.complete(upload.id, owner)).toEqual({ digest: sha256(content), sizeBytes: 2500 });
    expect(await uploads.start({ ...wish, sizeBytes: 2400, mayReuse: true })).toMatchObject({ state: 'open' });
  });

  test('an empty file needs no part', async () => {
    const { id } = await uploads.start({ sizeBytes: 0, owner });
    expect(await uploads.complete(id, owner)).toEqual({ digest: sha256(Buffer.of()), sizeBytes: 0 });
  });

  test('each wrong part has its own error and is not there', async () => {
    const { id } = await uploads.start({ sizeBytes: 2500, owner });
    const invalid = { code: 'invalid_request' };
    await expect(uploads.putPart(id, owner, 4, chunksOf('x'))).rejects.toMatchObject(invalid);
    await expect(uploads.putPart(id, owner, 0, chunksOf('x'))).rejects.toMatchObject(invalid);
    await expect(uploads.putPart(id, owner, 1, chunksOf('short'))).rejects.toMatchObject(invalid);
    await expect(uploads.putPart(id, owner, 3, chunksOf(part(1)))).rejects.toMatchObject(invalid);
    await expect(uploads.putPart(id, owner, 1, chunksOf(part(1)), sha256(part(2)))).rejects.toMatchObject({
      code: 'digest_mismatch',
    });
    expect(await uploads.get(id, owner)).toMatchObject({ received: [] });
  });

  test('a part that is here keeps its content', async () => {
    const { id } = await uploads.start({ sizeBytes: 2500, owner });
    for (const number of [1, 2, 3]) await send(id, number);
    await expect(uploads.putPart(id, owner, 1, chunksOf(part(2)))).rejects.toMatchObject({ code: 'digest_mismatch' });
    expect((await uploads.complete(id, owner)).digest).toBe(sha256(content));
  });

  test('a new try of a part takes over from one that hangs, which then writes nothing', async () => {
    const { id } = await uploads.start({ sizeBytes: 2500, owner });
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    async function* hanging(): AsyncIterable<Uint8Array> {
      yield part(1).subarray(0, 10);
      begun.resolve();
      await gate.promise;
      yield Buffer.alloc(990);
    }
    const older = uploads.putPart(id, owner, 1, hanging()).catch((error: unknown) => error);
    await begun.promise;
    for (const number of [1, 2, 3]) await send(id, number);
    gate.resolve();
    expect(await older).toMatchObject({ code: 'superseded' });
    expect((await uploads.complete(id, owner)).digest).toBe(sha256(content));
  });

  test('however many tries of a part come at once, one content is acknowledged and kept', async () => {
    const { id } = await uploads.start({ sizeBytes: 2500, owner });
    const tries = Array.from({ length: 8 }, (_, index) =>
      uploads.putPart(
        id,
        owner,
        1,
        chunksOf(...(index % 2 === 0 ? [part(1)] : [Buffer.alloc(500), Buffer.alloc(500)])),
      ),
    );
    const results = await Promise.allSettled(tries);
    for (const result of results) {
      if (result.status === 'rejected')
        expect(['superseded', 'digest_mismatch']).toContain((result.reason as MusterError).code);
    }
    expect(await uploads.get(id, owner)).toMatchObject({ received: [1] });
    for (const number of [2, 3]) await send(id, number);
    const { digest } = await uploads.complete(id, owner);
    const zeros = Buffer.concat([Buffer.alloc(1000), content.subarray(1000)]);
    expect([sha256(content), sha256(zeros)]).toContain(digest);
    expect(sha256(await buffer(await store.objects.read(digest)))).toBe(digest);
  });

  test('a file that is not what was declared is refused and forgotten', async () => {
    const { id } = await uploads.start({ sizeBytes: 2500, sha256: sha256(part(1)), owner });
    for (const number of [1, 2, 3]) await send(id, number);
    await expect(uploads.complete(id, owner)).rejects.toMatchObject({ code: 'digest_mismatch' });
    await expect(uploads.get(id, owner)).rejects.toMatchObject({ code: 'upload_not_found' });
    expect(await readdir(join(store.folder, 'incoming'))).toEqual([]);
  });

  test('an upload exists for its owner only, until it is dropped or expires', async () => {
    const { id } = await uploads.start({ sizeBytes: 2500, owner });
    const notFound = { code: 'upload_not_found' };
    for (const name of [id, 'unknown', '../../x']) {
      await expect(uploads.get(name, 'bob')).rejects.toMatchObject(notFound);
      await expect(uploads.putPart(name, 'bob', 1, chunksOf(part(1)))).rejects.toMatchObject(notFound);
      await expect(uploads.complete(name, 'bob')).rejects.toMatchObject(notFound);
      await expect(uploads.abort(name, 'bob')).rejects.toMatchObject(notFound);
    }
    await uploads.abort(id, owner);
    await expect(uploads.get(id, owner)).rejects.toMatchObject(notFound);
    const late = await uploads.start({ sizeBytes: 2500, owner });
    clock.advance(23 * 3600 * 1000);
    await send(late.id, 1);
    clock.advance(23 * 3600 * 1000);
    await uploads.sweep();
    expect(await uploads.get(late.id, owner)).toMatchObject({ received: [1] });
    clock.advance(2 * 3600 * 1000);
    await expect(uploads.get(late.id, owner)).rejects.toMatchObject(notFound);
    await uploads.sweep();
    expect(await readdir(join(store.folder, 'incoming'))).toEqual([]);
  });

  test('a file beyond the limit, or beyond the volume, is refused before it is sent', async () => {
    await expect(uploads.start({ sizeBytes: 5_000_001, owner })).rejects.toMatchObject({ code: 'model_too_large' });
    const huge = createUploads({ ...parts(), maxBytes: Number.MAX_SAFE_INTEGER });
    await expect(huge.start({ sizeBytes: Number.MAX_SAFE_INTEGER, owner })).rejects.toMatchObject({
      code: 'disk_full',
    });
  });

  const parts = () => ({
    objects: store.objects,
    database: opened.database,
    clock,
    newId: createIds(clock),
    maxBytes: 5_000_000,
    partBytes,
  });
});

test('parts are of 16 MiB, or larger where there would be more than 10,000', () => {
  expect(partBytesFor(1)).toBe(16 * 1024 ** 2);
  expect(partBytesFor(10_000 * 16 * 1024 ** 2)).toBe(16 * 1024 ** 2);
  expect(partBytesFor(10_000 * 16 * 1024 ** 2 + 1)).toBe(17 * 1024 ** 2);
});
