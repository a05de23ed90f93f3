import { expect, test } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import { type ProgramRun, readProcessTable, runProgram } from './index.ts';

function node(script: string, limits: Partial<ProgramRun> = {}) {
  return runProgram({
    command: process.execPath,
    arguments: ['-e', script],
    environment: {},
    timeoutMs: 20_000,
    memoryBytes: 1024 ** 3,
    maxOutputBytes: 1_000,
    ...limits,
  });
}

test('a program gets its input and the environment that it was given, nothing else', async () => {
  const script =
    "process.stdin.pipe(process.stdout); process.stdin.on('end', () => process.stdout.write(Object.keys(process.env).join()))";
  const end = await node(script, { input: Buffer.from('rows '), environment: { LANG: 'C' } });
  expect(end.outcome === 'done' && Buffer.from(end.output).toString()).toBe('rows LANG');
});

test('what it complains of is told line by line, and kept', async () => {
  const lines: string[] = [];
  const end = await node("console.error('one\\ntwo'); console.error('Ünglück'); process.exit(1)", {
    onErrorLine: (line) => lines.push(line),
  });
  expect(lines).toEqual(['one', 'two', 'Ünglück']);
  expect(end).toMatchObject({ outcome: 'failed', errorTail: 'one\ntwo\nÜnglück\n' });
});

test('what it complains of is read as UTF-8, also where nobody listens', async () => {
  expect(await node("console.error('Ünglück'); process.exit(1)")).toMatchObject({ errorTail: 'Ünglück\n' });
});

test('one that fails says how, with the end of what it complained', async () => {
  expect(await node("console.error('no opset'); process.exit(3)")).toMatchObject({
    outcome: 'failed',
    detail: 'exit code 3',
    exitCode: 3,
    errorTail: 'no opset\n',
  });
  expect(await node("process.kill(process.pid, 'SIGSEGV')")).toMatchObject({
    outcome: 'failed',
    detail: 'ended by SIGSEGV',
  });
  expect(
    await runProgram({
      command: '/nonexistent',
      arguments: [],
      environment: {},
      timeoutMs: 1_000,
      memoryBytes: 1,
      maxOutputBytes: 1,
    }),
  ).toMatchObject({ outcome: 'failed', exitCode: null });
});

test('one that exceeds a limit is ended: time, memory, output', async () => {
  expect(await node('setInterval(() => {}, 1000)', { timeoutMs: 300 })).toMatchObject({
    outcome: 'timeout',
    detail: 'it took longer than 300 ms',
  });
  expect(await node('for (;;) {}', { timeoutMs: 300 })).toMatchObject({ outcome: 'timeout' });
  expect(
    await node('const all = []; setInterval(() => all.push(Buffer.alloc(3e7, 1)), 5)', { memoryBytes: 3e8 }),
  ).toMatchObject({ outcome: 'memory' });
  expect(await node("setInterval(() => process.stdout.write('x'.repeat(500)), 1)")).toMatchObject({
    outcome: 'output',
    detail: 'it wrote more than 1000 bytes',
  });
});

test('one that is cancelled is ended, and one that was cancelled before is not begun', async () => {
  const abort = new AbortController();
  const end = node('for (;;) {}', { signal: abort.signal });
  abort.abort();
  expect(await end).toMatchObject({ outcome: 'cancelled', detail: 'it was cancelled' });
  expect(await node('', { signal: abort.signal })).toMatchObject({ outcome: 'cancelled' });
});

test('what it started ends with it', async () => {
  const script =
    "const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']); process.stdout.write(String(child.pid), () => process.exit(0))";
  const end = await node(script);
  const pid = end.outcome === 'done' ? Number(Buffer.from(end.output).toString()) : 0;
  expect(pid).toBeGreaterThan(0);
  await eventually(() => readProcessTable().rssOf(pid) === null);
});

test('the table of processes knows this one, and what it uses', () => {
  const table = readProcessTable();
  expect(table.treeOf(process.pid)[0]).toBe(process.pid);
  expect(table.usageOf(process.pid)?.rssBytes).toBeGreaterThan(10_000_000);
  expect(table.usageOf(2 ** 30)).toBeNull();
});
