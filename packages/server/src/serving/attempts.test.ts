import { beforeEach, describe, expect, test } from 'vitest';
import { type Attempts, createAttempts } from './attempts.ts';

let now = 1_000_000;
let attempts: Attempts;
const clock = { now: () => now, after: () => () => undefined };

function fail(times: number, source = 'a'): (number | undefined)[] {
  return Array.from({ length: times }, () => attempts.failed(source));
}

beforeEach(() => {
  now = 1_000_000;
  attempts = createAttempts({ clock, maxSources: 3 });
});

describe('failed authentications of one source', () => {
  test('are answered plainly twenty times a minute', () => {
    for (let minute = 0; minute < 5; minute += 1) {
      expect(new Set(fail(20))).toEqual(new Set([undefined]));
      now += 60_000;
    }
  });

  test('have to wait from then on, twice as long each time up to five minutes', () => {
    fail(20);
    expect(fail(12)).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000, 300_000,
    ]);
  });

  test('may be one again after the wait, then wait as long once more, which grows for who does not', () => {
    fail(22);
    now += 2000;
    expect(fail(3)).toEqual([undefined, 4000, 8000]);
    now += 7999;
    expect(fail(1)).toEqual([16_000]);
  });

  test('are forgotten a minute after the wait', () => {
    fail(21);
    now += 61_000;
    expect(fail(21)).toEqual([...Array.from({ length: 20 }, () => undefined), 1000]);
  });

  test('say nothing about another source', () => {
    fail(30);
    expect(fail(1, 'b')).toEqual([undefined]);
  });

  test('wait no longer because the clock was set back', () => {
    fail(30);
    now -= 3_600_000;
    expect(fail(1)).toEqual([undefined]);
  });
});

test('a bounded number of sources is remembered, and the one that failed longest ago goes first', () => {
  fail(30, 'a');
  fail(30, 'b');
  fail(1, 'c');
  fail(1, 'a');
  fail(1, 'd');
  expect(attempts.size).toBe(3);
  expect(fail(1, 'a')).toEqual([300_000]);
  expect(fail(1, 'b')).toEqual([undefined]);
  for (let source = 0; source < 10_000; source += 1) fail(1, String(source));
  expect(attempts.size).toBe(3);
});
