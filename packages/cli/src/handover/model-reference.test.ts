import { expect, test } from 'vitest';
import { readModelReference, requireModelReference } from './model-reference.ts';

test.each([
  ['fraud:3', { model: 'fraud', version: 3 }],
  ['fraud@champion', { model: 'fraud', alias: 'champion' }],
  ['models:/fraud/3', { model: 'fraud', version: 3 }],
  ['models:/fraud@champion', { model: 'fraud', alias: 'champion' }],
  ['Fraud EU (2024):12', { model: 'Fraud EU (2024)', version: 12 }],
])('%s names a version', (text, expected) => {
  expect(readModelReference(text)).toEqual(expected);
});

test.each(['fraud', 'fraud:', 'fraud@', 'fraud:x', './fraud/3', 'a/b:3', 'fraud:3@x', ''])(
  '"%s" names none',
  (text) => {
    expect(readModelReference(text)).toBeUndefined();
  },
);

test('a bare name is refused with what to write', () => {
  expect(() => requireModelReference('fraud', 'fraud')).toThrow(
    expect.objectContaining({
      message: '`fraud` names no version',
      remedy: expect.stringContaining('`fraud:1`') as unknown,
    }),
  );
});
