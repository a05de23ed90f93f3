import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../platform/clock/index.ts';
import { eachOutputLine } from './runner-output.ts';

/** A stream, the lines that came of it, and a clock that is moved by hand. */
function output() {
  const stream = new PassThrough();
  const lines: string[] = [];
  let nowMs = 0;
  const clock: Clock = { ...systemClock, now: () => nowMs };
  eachOutputLine(stream, clock, (line) => lines.push(line));
  const write = async (text: string): Promise<void> => {
    stream.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { write, lines, end: () => stream.end(), pass: (ms: number) => (nowMs += ms) };
}

test('lines come as they were written, however they are cut, without empty ones', async () => {
  const { write, lines, end } = output();
  for (const part of ['one\nt', 'wo\n\n', 'thr', 'ee']) await write(part);
  expect(lines).toEqual(['one', 'two']);
  end();
  await expect.poll(() => lines).toEqual(['one', 'two', 'three']);
});

test('a flood is left out, its amount is told, and what comes after it in time is there', async () => {
  const { write, lines, pass } = output();
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 5; count += 1) await write(line.repeat(1024));
  expect(lines).toHaveLength(1024);
  pass(1_000);
  await write('after\n');
  expect(lines.slice(1024)).toEqual([`… ${4 * 1024 * 1024} bytes that came too fast are left out`, 'after']);
});

test('a line that never ends takes no memory', async () => {
  const { write, lines } = output();
  for (let count = 0; count < 8; count += 1) await write('y'.repeat(64 * 1024));
  await write('\n');
  expect(lines.map((line) => line.length)).toEqual([4096]);
});
