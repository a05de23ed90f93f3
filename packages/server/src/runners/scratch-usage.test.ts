import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchUsage } from './scratch-usage.ts';

const mebibyte = 1024 ** 2;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-scratch-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('all files count, in whatever folder, and nothing that a link leads to', async () => {
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  for (const name of ['one', 'a/two', 'a/b/three']) writeFileSync(join(folder, name), Buffer.alloc(mebibyte, 1));
  symlinkSync('/', join(folder, 'root'));
  const bytes = await scratchUsage(folder, null);
  expect(bytes).toBeGreaterThanOrEqual(3 * mebibyte);
  expect(bytes).toBeLessThan(4 * mebibyte);
});

test('a file that was deleted counts for as long as it is open', async () => {
  const path = join(folder, 'deleted');
  const file = openSync(path, 'w');
  writeSync(file, Buffer.alloc(2 * mebibyte, 1));
  unlinkSync(path);
  expect(await scratchUsage(folder, process.pid)).toBeGreaterThanOrEqual(2 * mebibyte);
  closeSync(file);
  expect(await scratchUsage(folder, process.pid)).toBeLessThan(mebibyte);
});

test('a folder that is gone holds nothing', async () => {
  expect(await scratchUsage(join(folder, 'gone'), null)).toBe(0);
});
