import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeErrors, errorsReference } from './generate-errors-reference.ts';

test('the errors reference says what the catalogue says', () => {
  expect(readFileSync(errorsReference, 'utf8'), 'run npm run docs:generate').toBe(describeErrors());
});
