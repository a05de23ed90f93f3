import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeConfiguration } from '../packages/server/src/config/index.ts';
import { configurationReference } from './generate-configuration-reference.ts';

test('the configuration reference says what the schema says', () => {
  expect(readFileSync(configurationReference, 'utf8'), 'run npm run docs:generate').toBe(describeConfiguration());
});
