import { createHash } from 'node:crypto';
import type { FoundVersion, MlflowServer } from '@muster-ml/client';
import { expect, test } from 'vitest';
import { extract } from 'tar-stream';
import { copyVersion } from './copy-version.ts';

const found: FoundVersion = {
  artifacts: 'mlflow-artifacts:/m',
  lineage: { source: 'mlflow', server: 'http://mlflow', model: 'churn', version: '3' },
};

/** A server with these files, listed in the order given; `announced` are sizes that differ from the truth. */
function serverOf(
  files: Readonly<Record<string, string>>,
  announced: Readonly<Record<string, number | undefined>> = {},
): MlflowServer {
  return {
    url: 'http://mlflow',
    find: async () => await Promise.resolve(found),
    aliased: async () => await Promise.resolve([]),
    list: async () =>
      await Promise.resolve(
        Object.entries(files).map(([path, text]) => ({
          path,
          sizeBytes: path in announced ? announced[path] : Buffer.byteLength(text),
        })),
      ),
    open: async (_, path) => await Promise.resolve(new Blob([files[path] ?? '']).stream()),
  };
}

async function copied(mlflow: MlflowServer, maxBytes = 1_000_000): Promise<{ bytes: Buffer; digest: string }> {
  let bytes = Buffer.alloc(0);
  const put = async (source: AsyncIterable<Uint8Array>, limits: { readonly maxBytes: number }) => {
    for await (const chunk of source) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.byteLength > limits.maxBytes) throw new Error('too large');
    }
    return { digest: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.byteLength };
  };
  const { digest } = await copyVersion(mlflow, found, { put }, maxBytes);
  return { bytes, digest };
}

async function entriesOf(tar: Buffer): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  const reader = extract();
  reader.end(tar);
  for await (const entry of reader) {
    let text = '';
    for await (const chunk of entry) text += String(chunk);
    entries[entry.header.name] = text;
  }
  return entries;
}

const files = { 'data/b.bin': 'x'.repeat(100_000), MLmodel: 'flavors: {}', 'requirements.txt': '' };

test('a folder becomes one tar, the same for the same files in any order', async () => {
  const one = await copied(serverOf(files));
  const other = await copied(serverOf(Object.fromEntries(Object.entries(files).toReversed())));
  expect(await entriesOf(one.bytes)).toEqual(files);
  expect(other.digest).toBe(one.digest);
});

test('a file whose size is not told is packed too', async () => {
  const { bytes } = await copied(serverOf(files, { MLmodel: undefined }));
  expect(await entriesOf(bytes)).toEqual(files);
});

test('of an ONNX model its file is taken, unless its weights lie beside it', async () => {
  expect((await copied(serverOf({ MLmodel: '', 'model.onnx': 'graph' }))).bytes.toString()).toBe('graph');
  const beside = { 'model.onnx': 'graph', 'model.onnx.data': 'weights' };
  expect(await entriesOf((await copied(serverOf(beside))).bytes)).toEqual(beside);
});

test.each([10, 12])('a file of another length than announced (%s for 11) ends the copy', async (size) => {
  await expect(copied(serverOf(files, { MLmodel: size }))).rejects.toMatchObject({ code: 'mlflow_refused' });
});

test('a copy that is too large ends', async () => {
  await expect(copied(serverOf(files), 50_000)).rejects.toThrow('too large');
});
