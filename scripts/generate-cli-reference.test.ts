import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeCommands } from '../packages/cli/src/describe-commands.ts';
import { cliReference } from './generate-cli-reference.ts';

test('the reference of the command line says what the grammar says', () => {
  expect(readFileSync(cliReference, 'utf8'), 'run npm run docs:generate').toBe(describeCommands());
});
