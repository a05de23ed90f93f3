import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const REPORTER = fileURLToPath(new URL('final-line-reporter.ts', import.meta.url));

const passes = `it('holds', () => {});`;
const skips = `it.skip('waits', () => {}); it.todo('comes later');`;

it('counts in the last line what passed, what skipped, and what failed, in a test or outside of one', async () => {
  const run = await vitest({
    'a.test.js': `${passes} it('breaks', () => { throw new Error('broken'); });`,
    'b.test.js': `describe('all', () => { beforeAll(() => { throw new Error('no'); }); it('never runs', () => {}); });`,
    'c.test.js': `import './missing.js';`,
  });
  expect(run).toEqual({ lines: ['1 passed, 3 failed, 1 skipped'], exitCode: 1 });
});

it('lets tests skip on a desk', async () => {
  const run = await vitest({ 'a.test.js': passes + skips });
  expect(run).toEqual({ lines: ['1 passed, 0 failed, 2 skipped'], exitCode: 0 });
});

it('fails a run in CI for the tests that skip, and names them', async () => {
  const { lines, exitCode } = await vitest({ 'a.test.js': passes + skips }, { CI: 'true' });
  expect(exitCode).toBe(1);
  expect(lines).toEqual([
    'With CI=true no test may skip, but these did:',
    '  a.test.js > waits',
    '  a.test.js > comes later',
    '1 passed, 0 failed, 2 skipped',
  ]);
});

interface Run {
  readonly lines: readonly string[];
  readonly exitCode: number | null;
}

/** Runs files of tests with the reporter alone, in a folder of their own. */
async function vitest(files: Record<string, string>, environment: NodeJS.ProcessEnv = { CI: '' }): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-reporter-'));
  try {
    for (const [name, tests] of Object.entries(files)) await writeFile(join(folder, name), tests);
    return await new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [VITEST, 'run', '--globals', '--pool', 'threads', '--root', folder, '--reporter', REPORTER],
        { cwd: folder, env: { ...process.env, ...environment } },
        (_error, stdout) => resolve({ lines: stdout.trimEnd().split('\n'), exitCode: child.exitCode }),
      );
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
