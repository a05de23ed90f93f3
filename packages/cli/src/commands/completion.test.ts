import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Invocation } from '../invocation.ts';
import { createProgram } from '../program.ts';
import { candidates, positionOf } from './complete.ts';
import { completion } from './completion.ts';

const program = createProgram('', {}, (command) => command);
const names = {
  endpoints: ['fraud', 'churn'],
  models: ['fraud', 'fraud:3', 'fraud@champion'],
  actors: ['ana', 'ci'],
  teams: ['search'],
};

function completed(...words: string[]): string[] {
  return candidates(positionOf(program, words), names).map(({ value }) => value);
}

function script(shell: string): string {
  let printed = '';
  completion({ terminal: { print: (text: string) => (printed += text) }, flags: {} } as unknown as Invocation, shell);
  return printed;
}

test('commands, flags, choices and names are offered where they belong', () => {
  expect(completed('pre')).toEqual(['predict']);
  expect(completed('endpoint', 'l')).toEqual(['list', 'logs']);
  expect(completed('deploy', '--sa')).toEqual(['--sample']);
  expect(completed('endpoint', 'show', '')).toEqual(['fraud', 'churn']);
  expect(completed('--server', 'http://x', 'promote', 'f')).toEqual(['fraud']);
  expect(completed('deploy', 'model.onnx', '--name', 'c')).toEqual(['churn']);
  expect(completed('deploy', 'fraud@')).toEqual(['fraud@champion']);
  expect(completed('-o', 'w')).toEqual(['wide']);
  expect(completed('endpoint', 'end', 'fraud', '')).toEqual(['canary', 'shadow']);
  expect(completed('actor', 'show', 'a')).toEqual(['ana']);
  expect(completed('access', 'grant', 'fraud', 'c')).toEqual(['ci']);
  expect(completed('access', 'grant', 'fraud', '--team', '')).toEqual(['search']);
  expect(completed('token', 'create', '--for', 'c')).toEqual(['ci']);
  expect(completed('token', 'r')).toEqual(['revoke', 'report']);
  expect(completed('completion', 'z')).toEqual(['zsh']);
});

test('roles and actions are words of the program', () => {
  expect(positionOf(program, ['role', 'grant', '']).wants).toBe('roles');
  expect(positionOf(program, ['access', 'explain', 'ana', '']).wants).toBe('actions');
  expect(positionOf(program, ['token', 'create', '--action', '']).wants).toBe('actions');
});

test('files are left to the shell', () => {
  expect(positionOf(program, ['deploy', '--sample', '']).wants).toBe('files');
  expect(positionOf(program, ['predict', 'fraud', '']).wants).toBe('files');
});

test.each(['bash', 'zsh', 'fish'])('the script for %s is one that the shell can read', (shell) => {
  const checked = spawnSync(shell, ['-n'], { input: script(shell), encoding: 'utf8' });
  // A shell that this machine has not got cannot judge it.
  if (checked.error !== undefined && 'code' in checked.error && checked.error.code === 'ENOENT') return;
  expect(checked.stderr).toBe('');
  expect(checked.status).toBe(0);
});

test('the bash script completes by what the program says', () => {
  const probe = `muster() { printf 'fraud\\tan endpoint\\nfrankfurt\\n'; }\n${script('bash')}\nCOMP_WORDS=(muster promote fr) COMP_CWORD=2\n_muster\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  expect(spawnSync('bash', ['-c', probe], { encoding: 'utf8' }).stdout).toBe('fraud\nfrankfurt\n');
});
