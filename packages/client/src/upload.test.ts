import { createHash } from 'node:crypto';
import { MusterError, type Upload, toProblem } from '@muster-ml/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sendJson, startAnsweringServer } from '../test-support/answering-server.ts';
import { createClient } from './client.ts';
import { type UploadSource, upload } from './upload.ts';

const time = '2026-11-24T12:00:00.000Z';

function sourceOf(bytes: Buffer): UploadSource {
  return {
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    read: (start, end) => Promise.resolve(bytes.subarray(start, end)),
  };
}

/** A server that keeps the parts of one upload, and refuses a part as often as `refusals` says. */
async function startStore(
  sizeBytes: number,
  partBytes: number,
  refusals: ReadonlyMap<number, number> = new Map(),
  had: ReadonlyMap<number, Buffer> = new Map(),
) {
  const parts = new Map(had);
  const left = new Map(refusals);
  const sent: number[] = [];
  const server = await startAnsweringServer((request, response) => {
    const document: Upload = {
      id: 'u1',
      sizeBytes,
      partBytes,
      received: [...parts.keys()],
      state: 'open',
      createdAt: time,
      expiresAt: time,
    };
    const part = Number(/parts\/(\d+)$/.exec(request.url)?.[1] ?? 0);
    if (part === 0)
      return sendJson(response, request.url.endsWith('/complete') ? { digest: '0'.repeat(64), sizeBytes } : document);
    const refused = left.get(part) ?? 0;
    if (refused > 0) {
      left.set(part, refused - 1);
      return sendJson(response, toProblem(new MusterError('control_unavailable', 'not now')), 503);
    }
    sent.push(part);
    parts.set(part, request.body);
    sendJson(response, document);
  });
  const whole = (): Buffer => Buffer.concat([...parts].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes));
  return { url: server.url, sent, whole, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
}

test('whatever the sizes, the parts make the whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 60 }),
      async (array, partBytes) => {
        const bytes = Buffer.from(array);
        await using store = await startStore(bytes.length, partBytes);
        const progress: number[] = [];
        await upload(createClient({ url: store.url }), sourceOf(bytes), {
          onProgress: (sentBytes) => progress.push(sentBytes),
        });
        expect(store.whole().equals(bytes)).toBe(true);
        expect(progress.at(-1)).toBe(bytes.length);
        expect(progress).toEqual(progress.toSorted((a, b) => a - b));
      },
    ),
    { numRuns: 25 },
  );
});

test('a part that is refused for a moment is sent again', async () => {
  const bytes = Buffer.from('0123456789');
  await using store = await startStore(10, 4, new Map([[2, 2]]));
  await upload(createClient({ url: store.url }), sourceOf(bytes));
  expect(store.whole().toString()).toBe('0123456789');
});

test('an upload that is resumed sends only what is missing', async () => {
  const bytes = Buffer.from('0123456789');
  await using store = await startStore(
    10,
    4,
    new Map(),
    new Map([
      [1, Buffer.from('0123')],
      [3, Buffer.from('89')],
    ]),
  );
  await upload(createClient({ url: store.url }), sourceOf(bytes), { resume: 'u1' });
  expect(store.sent).toEqual([2]);
  expect(store.whole().toString()).toBe('0123456789');
});

test('an error that does not pass ends the upload', async () => {
  await using server = await startAnsweringServer((_request, response) =>
    sendJson(response, toProblem(new MusterError('model_too_large', 'too large')), 413),
  );
  await expect(upload(createClient({ url: server.url }), sourceOf(Buffer.from('x')))).rejects.toMatchObject({
    code: 'model_too_large',
  });
});
