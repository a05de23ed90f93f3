import { expect, test } from 'vitest';
import { timeText } from './time-text.ts';

const nowMs = Date.parse('2026-11-24T12:00:00.000Z');
const ago = (time: string): string => timeText(time, { relative: true, nowMs });

test('a person gets the distance, a program the time', () => {
  expect(ago('2026-11-24T11:59:59.900Z')).toBe('now');
  expect(ago('2026-11-24T11:57:00.000Z')).toBe('3 min ago');
  expect(ago('2026-11-23T11:00:00.000Z')).toBe('25 h ago');
  expect(ago('2026-11-20T12:00:00.000Z')).toBe('4 d ago');
  expect(ago('2026-11-24T12:00:30.000Z')).toBe('in 30 s');
  expect(timeText('2026-11-24T11:57:00.000Z', { relative: false, nowMs })).toBe('2026-11-24T11:57:00.000Z');
  expect(timeText(null, { relative: true, nowMs })).toBe('-');
});
