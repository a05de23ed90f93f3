import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { createProcessFamily } from './process-family.ts';

let children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

function start(): number {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  children.push(child);
  return child.pid ?? 0;
}

test('who is remembered is ended, nobody else', async () => {
  const [one, two] = [start(), start()];
  const family = createProcessFamily();
  family.remember([one]);
  family.remember([]);
  family.end();
  await eventually(() => children[0]?.signalCode === 'SIGKILL');
  expect(children[1]?.signalCode).toBeNull();
  expect(two).toBeGreaterThan(0);
});

test('a process that has got the number of one that ended is left alone', () => {
  const pid = start();
  let isAnother = false;
  const family = createProcessFamily(() => (isAnother ? 'later' : 'before'));
  family.remember([pid]);
  isAnother = true;
  family.end();
  expect(children[0]?.killed).toBe(false);
  expect(() => process.kill(pid, 0)).not.toThrow();
});
