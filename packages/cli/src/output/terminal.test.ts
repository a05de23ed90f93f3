import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Surroundings } from '../surroundings.ts';
import { beginStep } from './progress.ts';
import { type ColorChoice, createTerminal } from './terminal.ts';

function surroundings(env: Record<string, string>, isTTY: boolean): Surroundings & { readonly told: () => string } {
  let told = '';
  const sink = { write: (text: string) => (told += text), isTTY, columns: 80 };
  return {
    env,
    stdin: Readable.from([]),
    stdout: sink,
    stderr: sink,
    workingDirectory: '/',
    homeDirectory: '/',
    platform: 'linux',
    now: () => 0,
    interruption: new AbortController().signal,
    releaseInterruption: () => {},
    told: () => told,
  };
}

describe('colours', () => {
  test.each<[string, Record<string, string>, boolean, ColorChoice, boolean]>([
    ['on a terminal', {}, true, 'auto', true],
    ['not in a pipe', {}, false, 'auto', false],
    ['not in a pipe of CI', { CI: 'true' }, false, 'auto', false],
    ['not with NO_COLOR', { NO_COLOR: '1' }, true, 'auto', false],
    ['with an empty NO_COLOR', { NO_COLOR: '' }, true, 'auto', true],
    ['in a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, false, 'auto', true],
    ['not on a dumb terminal', { TERM: 'dumb' }, true, 'auto', false],
    ['with --color always, whatever else', { NO_COLOR: '1' }, false, 'always', true],
    ['not with --color never', { FORCE_COLOR: '1' }, true, 'never', false],
  ])('%s', (_when, env, isTTY, color, expected) => {
    const { paint } = createTerminal(surroundings(env, isTTY), { color, quiet: false });
    expect(paint.red('x') !== 'x').toBe(expected);
  });
});

test('signs are ASCII where the locale is not UTF-8', () => {
  const symbols = (env: Record<string, string>) =>
    createTerminal(surroundings(env, true), { color: 'never', quiet: false }).symbols.done;
  expect(symbols({ LANG: 'C.UTF-8' })).toBe('✓');
  expect(symbols({ LANG: 'C.UTF-8', LC_ALL: 'C' })).toBe('ok');
  expect(symbols({})).toBe('ok');
});

test('a step is one line in a pipe, without control sequences', () => {
  const around = surroundings({ LANG: 'C.UTF-8' }, false);
  const step = beginStep(createTerminal(around, { color: 'auto', quiet: false }), 'loading');
  step.update('loading more');
  step.done('loaded');
  expect(around.told()).toBe('✓ loaded\n');
});

test('quiet tells no steps, only warnings', () => {
  const around = surroundings({}, false);
  const terminal = createTerminal(around, { color: 'auto', quiet: true });
  beginStep(terminal, 'loading').done('loaded');
  terminal.warn('careful');
  expect(around.told()).toBe('careful\n');
});
