import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { listSettings } from './setting-names.ts';

const sources = fileURLToPath(new URL('..', import.meta.url));

test('every setting is read by the program: none is accepted and ignored', () => {
  const files = globSync('**/*.ts', { cwd: sources }).filter(
    (file) => !file.endsWith('.test.ts') && !/^config\/(\w+-)?settings\.ts$/.test(file),
  );
  const text = files.map((file) => readFileSync(`${sources}/${file}`, 'utf8')).join('\n');
  const unused = listSettings().filter(({ path }) => !new RegExp(`\\b${path.at(-1)}\\b`).test(text));
  expect(unused.map(({ key }) => key)).toEqual([]);
});
