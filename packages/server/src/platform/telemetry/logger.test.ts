import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLogger } from './index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(limits: { maxFileBytes?: number; maxFiles?: number } = {}) {
  return openLogger({ role: 'control', level: 'info', folder, maxFileBytes: 100_000, maxFiles: 3, ...limits });
}

test('a secret is in no line, wherever it stood', () => {
  const { logger, close } = open();
  logger.info({ authorization: 'Bearer hunter2hunter2' }, 'at the top');
  logger.info({ headers: { authorization: 'Bearer hunter2hunter2', cookie: 'hunter2' } }, 'one level down');
  logger.info(
    { request: { headers: { Authorization: 'hunter2' } }, settings: { databaseUrl: 'hunter2' } },
    'two levels down',
  );
  logger.error(
    {
      err: new Error('connect to postgres://muster:hunter2@db/muster', {
        cause: new Error('sent Bearer hunter2hunter2'),
      }),
    },
    'in an error and its cause',
  );
  logger.warn('in the text: Bearer hunter2hunter2 and token=hunter2');
  close();
  const text = readFileSync(join(folder, 'control.log'), 'utf8');
  expect(text.trim().split('\n')).toHaveLength(5);
  expect(text).not.toContain('hunter2');
  expect(text).toContain('postgres://muster:•••@db/muster');
});

test('a line is one JSON object with role, level as a word, and the id of its request', () => {
  const { logger, close } = open();
  logger.child({ requestId: 'r-1' }).info({ rows: 2 }, 'predicted');
  logger.debug('below the level');
  close();
  const line = JSON.parse(readFileSync(join(folder, 'control.log'), 'utf8')) as Record<string, unknown>;
  expect(line).toMatchObject({ role: 'control', level: 'info', requestId: 'r-1', rows: 2, msg: 'predicted' });
  expect(new Date(String(line['time'])).toISOString()).toBe(line['time']);
});

test('files are bounded in size and number, over restarts too, and the newest lines are kept', () => {
  for (let start = 0; start < 3; start += 1) {
    const { logger, close } = open({ maxFileBytes: 20_000 });
    for (let index = 0; index < 500; index += 1) logger.info({ start, index }, 'x'.repeat(100));
    close();
  }
  expect(readdirSync(folder).toSorted()).toEqual(['control.1.log', 'control.2.log', 'control.log']);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(21_000);
  const lines = readFileSync(join(folder, 'control.log'), 'utf8').trim().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ start: 2, index: 499 });
});

test('nobody else can read the files', () => {
  open().close();
  expect(statSync(join(folder, 'control.log')).mode & 0o777).toBe(0o600);
});

test('a disk that takes nothing more costs lines, not the process', () => {
  const { logger, close } = openLogger({ role: 'full', level: 'info', folder, maxFileBytes: 70_000, maxFiles: 2 });
  rmSync(folder, { recursive: true, force: true });
  for (let index = 0; index < 2_000; index += 1) logger.info({ index }, 'x'.repeat(100));
  expect(close).not.toThrow();
});
