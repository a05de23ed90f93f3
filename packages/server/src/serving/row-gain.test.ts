import { describe, expect, test } from 'vitest';
import { createRowGain } from './row-gain.ts';

/** What a model settles at if as many rows wait as are taken. */
function settled(maxRows: number, micros: (rows: number) => number): number {
  const gain = createRowGain(maxRows);
  for (let rows = 1; rows <= maxRows; rows *= 2)
    for (let turn = 0; turn < 3; turn += 1) gain.observe(rows, micros(rows));
  for (let turn = 0; turn < 200; turn += 1) {
    const rows = gain.next();
    gain.observe(rows, micros(rows));
  }
  return Math.min(...Array.from({ length: 4 }, () => gain.next()));
}

describe('rows of a run', () => {
  test('are as many as allowed where a run costs the same for all', () => {
    expect(settled(64, () => 500)).toBe(64);
  });

  test('are few where each row costs as much as the first', () => {
    expect(settled(64, (rows) => rows * 5000)).toBe(1);
  });

  test('stop where the gain ends', () => {
    expect(settled(64, (rows) => Math.max(rows, 8) * 1000)).toBe(8);
  });

  test('are many for a model that takes next to no time, because the way there counts too', () => {
    expect(settled(64, (rows) => 10 + rows * 0.5)).toBe(64);
  });

  test('are as many as allowed before anything is known, also where that is no power of two', () => {
    expect(createRowGain(100).next()).toBe(100);
    expect(settled(100, () => 500)).toBe(100);
    expect(createRowGain(1).next()).toBe(1);
  });

  test('grow again when the model changes its ways', () => {
    const gain = createRowGain(64);
    for (let turn = 0; turn < 50; turn += 1)
      for (const rows of [1, 2, 4, 8, 16, 32, 64]) gain.observe(rows, rows * 5000);
    expect(gain.next()).toBe(1);
    for (let turn = 0; turn < 1000; turn += 1) {
      const rows = gain.next();
      gain.observe(rows, 5000);
    }
    expect(Math.min(gain.next(), gain.next())).toBe(64);
  });

  test('of a request larger than allowed are not learned from', () => {
    const gain = createRowGain(4);
    for (let turn = 0; turn < 9; turn += 1) gain.observe(1000, 1);
    expect(gain.next()).toBe(4);
  });
});
