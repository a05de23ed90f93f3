import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { readCores } from './cores.ts';
import { readCount } from './count.ts';
import { readDays } from './days.ts';
import { durationText, readDuration } from './duration.ts';
import { rateText, readRate } from './rate.ts';
import { readShare } from './share.ts';
import { readSize, sizeText } from './size.ts';

/** What a reader says to a wrong value: `message → remedy`. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} → ${error.remedy}`;
    throw error;
  }
  return 'accepted';
}

describe('sizes', () => {
  test('are binary', () => {
    expect(readSize('--memory', '512Mi')).toBe(512 * 2 ** 20);
    expect(readSize('--memory', '1.5Gi')).toBe(1.5 * 2 ** 30);
  });

  test.each([
    ['512m', '`512m` would be 512 thousandths of a byte → Write `512Mi`.'],
    ['512MB', 'sizes are binary → Write `512Mi` (512 MB = 488Mi).'],
    ['1G', 'sizes are binary → Write `1Gi` (1 GB = 954Mi).'],
    ['512', '`--memory 512` has no unit → Write `512Mi`.'],
    ['512mi', '`512mi` is no size → Write `512Mi`.'],
    ['lots', '`lots` is no size → Write `512Mi`.'],
  ])('%s is refused with the right spelling', (text, expected) => {
    expect(refusal(() => readSize('--memory', text))).toBe(expected);
  });

  test('are shown in the largest unit that leaves at least 1', () => {
    expect([0, 1023, 1024, 17_715, 2 ** 30].map(sizeText)).toEqual(['0 B', '1023 B', '1.0 KiB', '17.3 KiB', '1.0 GiB']);
  });
});

describe('shares', () => {
  test.each([
    ['0.1', 'shares carry a percent sign → Write `10%`.'],
    ['10', 'shares carry a percent sign → Write `10%`.'],
    ['110%', '`110%` is more than everything → Write a share from `0%` to `100%`.'],
    ['model.onnx', '`model.onnx` is no share → Write `10%`.'],
  ])('%s is refused with the right spelling', (text, expected) => {
    expect(refusal(() => readShare('--canary', text))).toBe(expected);
  });

  test('every share with its sign is read as it is written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }),
        (tenths) => readShare('--canary', `${tenths / 10}%`) === tenths / 10,
      ),
    );
  });
});

describe('times', () => {
  test('carry their unit', () => {
    expect(['50ms', '30s', '5m', '12h', '90d'].map((text) => readDuration('--timeout', text))).toEqual([
      50, 30_000, 300_000, 43_200_000, 7_776_000_000,
    ]);
  });

  test.each([
    ['10', '`--timeout 10` has no unit → Write `10ms` or `10s`.'],
    ['30 days', '`30 days` is no duration → Write `30d`.'],
    ['5min', '`5min` is no duration → Write `5m`.'],
    ['fast', '`fast` is no duration → Write `5ms`.'],
  ])('%s is refused with the right spelling', (text, expected) => {
    expect(refusal(() => readDuration('--timeout', text))).toBe(expected);
  });

  test('are shown as people say them', () => {
    expect([2.14, 33, 900, 1234, 90_000].map(durationText)).toEqual(['2.1 ms', '33 ms', '900 ms', '1.2 s', '2 min']);
  });
});

test('CPU is in cores, and a count is a whole number', () => {
  expect(readCores('--cpu', '0.5')).toBe(0.5);
  expect(refusal(() => readCores('--cpu', '500m'))).toBe('CPU is in cores → Write `0.5`.');
  expect(refusal(() => readCores('--cpu', '0'))).toContain('no number of cores');
  expect(readCount('--replicas', '3', 1)).toBe(3);
  expect(refusal(() => readCount('--replicas', '2.5', 1))).toContain('no whole number');
});

describe('days', () => {
  test('are whole', () => {
    expect(readDays('--expires', '30d', 365)).toBe(30);
    expect(readDays('--expires', '48h', 365)).toBe(2);
  });

  test.each([
    ['36h', '`36h` is not 1 to 365 whole days → Write `--expires 30d`.'],
    ['366d', '`366d` is not 1 to 365 whole days → Write `--expires 30d`.'],
    ['0d', '`0d` is not 1 to 365 whole days → Write `--expires 30d`.'],
  ])('%s is refused', (text, expected) => {
    expect(refusal(() => readDays('--expires', text, 365))).toBe(expected);
  });
});

describe('rates', () => {
  test('are requests in a second, whatever they are written in', () => {
    expect(readRate('--rate', '10/s')).toBe(10);
    expect(readRate('--rate', '90/m')).toBe(1.5);
    expect(readRate('--rate', '36/h')).toBe(0.01);
  });

  test('are shown as they are written', () => {
    expect([10, 0.5, 0.01].map(rateText)).toEqual(['10/s', '30/m', '36/h']);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (rate) => {
        expect(readRate('--rate', rateText(rate))).toBe(rate);
      }),
    );
  });

  test.each([
    ['10', '`10` is no rate → Write `--rate 10/s`; /m and /h are minutes and hours.'],
    ['0/s', '`0/s` is no rate → Write `--rate 10/s`; /m and /h are minutes and hours.'],
    ['10/d', '`10/d` is no rate → Write `--rate 10/s`; /m and /h are minutes and hours.'],
  ])('%s is refused', (text, expected) => {
    expect(refusal(() => readRate('--rate', text))).toBe(expected);
  });
});
