import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packFolder } from './pack-folder.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-pack-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const never = new AbortController().signal;

function write(files: Readonly<Record<string, string | Uint8Array>>, top = folder): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(top, name)), { recursive: true });
    writeFileSync(join(top, name), content);
  }
}

async function packed(top = folder): Promise<Buffer> {
  await using tar = await packFolder(top, () => {}, never);
  return readFileSync(tar.path);
}

async function unpacked(tar: Buffer): Promise<[name: string, type: string, content: string][]> {
  const reading = extract();
  reading.end(tar);
  const found: [string, string, string][] = [];
  for await (const entry of reading) {
    const { name, type } = entry.header;
    found.push([name, type, (await buffer(entry as AsyncIterable<Buffer>)).toString()]);
  }
  return found;
}

test('what is packed comes out again: names of any length and script, empty files, folders', async () => {
  const long = `${'deep/'.repeat(30)}${'n'.repeat(120)}.txt`;
  write({ MLmodel: 'flavors:', 'data/größe-数.bin': 'x'.repeat(70_000), empty: '', [long]: 'far' });
  const files = (await unpacked(await packed())).filter(([, type]) => type === 'file');
  expect(Object.fromEntries(files.map(([name, , content]) => [name, content]))).toEqual({
    MLmodel: 'flavors:',
    'data/größe-数.bin': 'x'.repeat(70_000),
    empty: '',
    [long]: 'far',
  });
});

test('the same content gives the same bytes, whenever and in whatever order it was written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.stringMatching(/^[a-c]\/[a-e.]{1,3}[xy]$/), fc.uint8Array({ maxLength: 2000 }), { minKeys: 1 }),
      async (files) => {
        const [one, other] = [mkdtempSync(join(folder, 'one-')), mkdtempSync(join(folder, 'other-'))];
        write(files, one);
        write(Object.fromEntries(Object.entries(files).toReversed()), other);
        for (const name of Object.keys(files)) utimesSync(join(other, name), 1, 1);
        expect((await packed(one)).equals(await packed(other))).toBe(true);
      },
    ),
    { numRuns: 15 },
  );
});

test('what lies about in folders is left out', async () => {
  write({ 'model.py': '', '__pycache__/model.pyc': 'x', '.git/config': 'x', 'a/.DS_Store': 'x', 'a/b': '' });
  expect((await unpacked(await packed())).map(([name]) => name)).toEqual(['a/', 'a/b', 'model.py']);
});

test('a link within the folder is followed, a link out of it is refused', async () => {
  write({ 'weights.bin': 'w' });
  symlinkSync('weights.bin', join(folder, 'again.bin'));
  expect(await unpacked(await packed())).toContainEqual(['again.bin', 'file', 'w']);
  symlinkSync('/etc/hostname', join(folder, 'host'));
  await expect(packed()).rejects.toThrow('host is a link out of the folder');
});

test.each([
  ['to nothing', 'nowhere', 'loop is a link to nothing'],
  ['to a folder that it is in', '.', 'loop links to a folder that it is in'],
])('a link %s is refused', async (_what, target, message) => {
  write({ 'model.py': '' });
  symlinkSync(target, join(folder, 'loop'));
  await expect(packed()).rejects.toThrow(message);
});

test('a folder without files is refused', async () => {
  mkdirSync(join(folder, 'empty'));
  await expect(packed()).rejects.toThrow('holds no files');
});

test('what is interrupted leaves nothing behind and says so', async () => {
  write({ 'big.bin': Buffer.alloc(3_000_000) });
  const interruption = new AbortController();
  const packing = packFolder(folder, () => interruption.abort(new Error('stop')), interruption.signal);
  await expect(packing).rejects.toThrow('stop');
});
