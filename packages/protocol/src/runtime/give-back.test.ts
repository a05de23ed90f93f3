import { expect, test } from 'vitest';
import { giveBack } from './give-back.ts';

test('what is given back is empty in every view', () => {
  const bytes = new Uint8Array(100_000);
  const view = bytes.subarray(10, 20);
  giveBack(bytes);
  expect([bytes.byteLength, view.byteLength]).toEqual([0, 0]);
});

test('bytes that share their buffer stay, and so do small ones and none', () => {
  const shared = new Uint8Array(100_000);
  const threads = new Uint8Array(new SharedArrayBuffer(100_000));
  const small = new Uint8Array(100);
  for (const bytes of [shared.subarray(1), shared.subarray(0, 99_999), threads, small, undefined]) giveBack(bytes);
  expect([shared.byteLength, threads.byteLength, small.byteLength]).toEqual([100_000, 100_000, 100]);
});
