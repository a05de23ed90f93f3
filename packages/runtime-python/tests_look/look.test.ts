import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** A Python that starts and is new enough; the launcher of a version manager may lead nowhere. */
const python = ['python3', 'python', '/usr/bin/python3'].find((command) => {
  try {
    const version = execFileSync(command, ['-c', 'import platform; print(platform.python_version())'], {
      stdio: 'pipe',
    });
    return /^3\.(9|\d\d)\./.test(version.toString());
  } catch {
    return false;
  }
});
if (python === undefined && process.env['CI'] !== undefined)
  throw new Error('the tests of look.py need a python3 of at least 3.9');

test.skipIf(python === undefined)(
  'the tests of look.py pass (they are skipped where there is no python3)',
  () => {
    const words = ['-W', 'error', '-B', '-m', 'unittest', 'discover', '-s', 'tests_look', '-t', '.'];
    const { status, stderr } = spawnSync(python ?? '', words, { cwd: folder, encoding: 'utf8', timeout: 240_000 });
    expect(stderr).toMatch(/Ran \d{2,} tests in [\s\S]*\nOK\s*$/);
    expect(status).toBe(0);
  },
  250_000,
);
