import { createHash } from 'node:crypto';
import { readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../../test-support/database.ts';
import { chunksOf, createStillClock, openTestObjects } from '../../../test-support/objects.ts';

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
const dayMs = 24 * 60 * 60 * 1000;

describe.each(databaseKinds)('objects in a folder, rows on %s', (kind) => {
  let opened: TestDatabase;
  let store: Awaited<ReturnType<typeof openTestObjects>>;
  const clock = createStillClock();

  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    store = await openTestObjects(opened.database, { clock });
  });
  afterEach(async () => {
    await store.close();
    await opened.close();
  });

  const incoming = () => readdir(join(store.folder, 'incoming'));
  const putText = (content: string) => store.objects.put(chunksOf(content), { maxBytes: 1000 });

  test('content comes back by its digest, whole and in ranges', async () => {
    const stored = await store.objects.put(chunksOf('hello ', 'world'), { maxBytes: 11 });
    expect(stored).toEqual({ digest: sha256('hello world'), sizeBytes: 11 });
    expect(await store.objects.stat(stored.digest)).toEqual(stored);
    expect(await text(await store.objects.read(stored.digest))).toBe('hello world');
    expect(await text(await store.objects.read(stored.digest, { start: 6, end: 8 }))).toBe('wor');
    expect((await stat(await store.objects.localFile(stored.digest))).mode & 0o222).toBe(0);
    expect(await incoming()).toEqual([]);
  });

  test('any chunks of any bytes are stored as they came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 1000 }), { maxLength: 5 }), async (chunks) => {
        const whole = Buffer.concat(chunks);
        const stored = await store.objects.put(chunksOf(...chunks), { maxBytes: 5000 });
        expect(stored).toEqual({ digest: sha256(whole), sizeBytes: whole.byteLength });
        expect(await buffer(await store.objects.read(stored.digest))).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  test('content beyond the limit, with another digest or from a broken stream leaves nothing', async () => {
    async function* broken(): AsyncIterable<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('connection lost');
    }
    await expect(store.objects.put(chunksOf('123456'), { maxBytes: 5 })).rejects.toMatchObject({
      code: 'body_too_large',
    });
    await expect(store.objects.put(chunksOf('x'), { maxBytes: 5, sha256: sha256('y') })).rejects.toMatchObject({
      code: 'digest_mismatch',
    });
    await expect(store.objects.put(broken(), { maxBytes: 5 })).rejects.toThrow('connection lost');
    expect(await incoming()).toEqual([]);
    expect(await store.objects.stat(sha256('x'))).toBeUndefined();
  });

  test('the same content put by many at once is there once', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => putText('same')));
    expect(new Set(all.map((object) => object.digest)).size).toBe(1);
    expect(await text(await store.objects.read(sha256('same')))).toBe('same');
  });

  test.each(['../../etc/passwd', '', 'A'.repeat(64), `${'a'.repeat(63)}/`, 'a'.repeat(65), `${'a'.repeat(64)}\n`])(
    'no text but a digest names content: %j',
    async (name) => {
      await expect(store.objects.stat(name)).rejects.toMatchObject({ code: 'object_not_found' });
      await expect(store.objects.read(name)).rejects.toMatchObject({ code: 'object_not_found' });
      await expect(store.objects.localFile(name)).rejects.toMatchObject({ code: 'object_not_found' });
    },
  );

  test('a damaged or missing file is told from unknown content', async () => {
    const { digest } = await putText('precious');
    await truncate(await store.objects.localFile(digest), 3);
    await expect(store.objects.read(digest)).rejects.toMatchObject({ code: 'object_corrupt' });
    await expect(store.objects.read(sha256('other'))).rejects.toMatchObject({ code: 'object_not_found' });
    await putText('precious');
    expect(await text(await store.objects.read(digest))).toBe('precious');
  });

  describe('the sweeper', () => {
    test('refuses to run while no room has told what it refers to', async () => {
      await expect(store.objects.sweep()).rejects.toThrow('no room');
    });

    test('removes what nobody refers to once it was untouched for a day', async () => {
      const kept = await putText('kept');
      const dead = await putText('dead');
      store.objects.registerReferences(async (_tx, digests) => digests.filter((digest) => digest === kept.digest));
      expect(await store.objects.sweep()).toBe(0);
      clock.advance(dayMs + 1);
      const held = await putText('touched again');
      expect(await store.objects.sweep()).toBe(1);
      expect(await store.objects.stat(dead.digest)).toBeUndefined();
      await expect(stat(store.objects.files.pathOf(dead.digest))).rejects.toThrow('ENOENT');
      expect(await store.objects.stat(kept.digest)).toEqual(kept);
      expect(await store.objects.stat(held.digest)).toEqual(held);
    });

    test('content that is put or held while it is swept is there afterwards, or its holder is told', async () => {
      store.objects.registerReferences(async () => []);
      for (let round = 0; round < 5; round++) {
        const { digest } = await putText(`round ${round}`);
        clock.advance(dayMs + 1);
        const [, , hold] = await Promise.allSettled([
          store.objects.sweep(),
          putText(`round ${round}`),
          opened.database.inTransaction((tx) => store.objects.hold(tx, digest)),
        ]);
        expect(await text(await store.objects.read(digest))).toBe(`round ${round}`);
        if (hold.status === 'rejected') expect(hold.reason).toMatchObject({ code: 'object_not_found' });
      }
    });

    test('removes what crashes left in incoming and files that no row knows', async () => {
      store.objects.registerReferences(async () => []);
      await writeFile(store.objects.files.incomingPath('put-from-a-dead-process'), 'half');
      const { digest } = await putText('kept');
      const stray = store.objects.files.pathOf(digest.replace(/.$/, (last) => (last === '0' ? '1' : '0')));
      await writeFile(stray, 'no row');
      await utimes(stray, new Date(0), new Date(0));
      await store.objects.sweep();
      expect(await incoming()).toEqual([]);
      await expect(stat(stray)).rejects.toThrow('ENOENT');
      expect(await text(await store.objects.read(digest))).toBe('kept');
    });
  });
});
