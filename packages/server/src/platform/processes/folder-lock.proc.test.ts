import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder, waitForLock } from './index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one process holds the lock; another learns its pid; a killed holder holds nothing', async () => {
  const module = JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href);
  const script = `
    import { lockFolder } from ${module};
    globalThis.held = lockFolder(${JSON.stringify(folder)}, 'role');
    console.log(Object.keys(globalThis.held).join());
    setInterval(() => {}, 1000);
  `;
  const holder = spawn(process.execPath, ['--conditions=muster-source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [line] = (await once(holder.stdout, 'data')) as [Buffer];
    expect(line.toString()).toBe('release\n');
    expect(lockFolder(folder, 'role')).toEqual({ heldBy: holder.pid });
  } finally {
    holder.kill('SIGKILL');
  }
  const lock = await waitForLock(folder, 'role', 20_000);
  expect(lock).toHaveProperty('release');
  if ('release' in lock) lock.release();
});

test('locks of different names do not meet, and a released one is free', () => {
  const first = lockFolder(folder, 'supervisor');
  const second = lockFolder(folder, 'control');
  expect('release' in first && 'release' in second).toBe(true);
  expect(lockFolder(folder, 'control')).toEqual({ heldBy: process.pid });
  if ('release' in first) first.release();
  if ('release' in second) second.release();
  const again = lockFolder(folder, 'control');
  expect(again).toHaveProperty('release');
  if ('release' in again) again.release();
});
