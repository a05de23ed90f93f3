import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Surroundings } from '../surroundings.ts';
import { commandName } from './command-name.ts';
import { shellQuoted } from './shell-quoted.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-name-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function named(...path: string[]): string {
  const surroundings = { env: { PATH: path.join(delimiter) }, workingDirectory: join(folder, 'work') };
  return commandName({ surroundings: surroundings as unknown as Surroundings });
}

function makeProgram(...parts: string[]): string {
  const parent = join(folder, ...parts);
  mkdirSync(parent, { recursive: true });
  writeFileSync(join(parent, 'muster'), '');
  chmodSync(join(parent, 'muster'), 0o755);
  return parent;
}

test('a program on the path is called by its name', () => {
  expect(named(makeProgram('bin'))).toBe('muster');
});

test('a dependency of the folder is called by npx, also when npx has put it on the path', () => {
  const bin = makeProgram('node_modules', '.bin');
  expect(named(bin)).toBe('npx muster');
});

test('everything else is called by its file, never by a name that npx would look up elsewhere', () => {
  expect(named('')).toMatch(/^node \S+bin\/muster\.js$/);
});

test('a word of a shell is quoted where it has to be', () => {
  expect(shellQuoted('rows.csv')).toBe('rows.csv');
  expect(shellQuoted("it's $HOME")).toBe(String.raw`'it'\''s $HOME'`);
});
