import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Interpreter,
  buildWheel,
  emptyEnvironment,
  environmentOf,
  installWheel,
  interpretersHere,
} from './python-client/interpreters.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';

const run = promisify(execFile);
const interpreters = await interpretersHere();
const newest = interpreters.at(-1);

/** Without Python these are skipped by name; where the gate runs there must be one. */
const isPossible = newest !== undefined || process.env['CI'] === 'true';

/** The package as it is installed: its wheel, in environments of several interpreters, against the whole system. */
describe.skipIf(!isPossible)('the Python client', () => {
  let place: Place;
  let muster: RunningMuster | undefined;
  let wheel: string;

  beforeAll(async () => {
    if (newest === undefined) throw new Error('this machine has no Python from 3.9 to 3.13 that works');
    place = await makePlace();
    wheel = await buildWheel(newest, join(place.folder, 'wheel'));
    muster = await startMuster(place);
  }, 600_000);
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  it.each(interpreters.map((interpreter): [string, Interpreter] => [interpreter.version, interpreter]))(
    'passes its tests with Python %s',
    { timeout: 1_800_000 },
    async (_version, interpreter) => {
      const python = await environmentOf(interpreter, join(root, 'e2e/python-client/requirements.txt'));
      await installWheel(python, wheel);
      const { stdout } = await pytest(python);
      const summary = stdout.trim().split('\n').at(-1);
      expect(summary).toMatch(/\d+ passed/);
      // A test that is skipped because something is missing here has shown nothing.
      expect(summary).not.toMatch(/failed|error|skipped/);
    },
  );

  it('takes a newcomer from a fitted model to a prediction in four lines', { timeout: 900_000 }, async () => {
    if (newest === undefined || muster === undefined) throw new Error('nothing to test with');
    const program = join(root, 'e2e/python-client/newcomer.py');
    const lines = (await readFile(program, 'utf8')).split('# ---')[1]?.split('\n').slice(1) ?? [];
    expect(lines.filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(4);

    const python = await emptyEnvironment(newest, join(place.folder, 'newcomer'));
    const startedAt = performance.now();
    await installWheel(python, wheel, 'scikit-learn==1.9.1', 'pandas==3.1.1');
    const installedAt = performance.now();
    const { stdout, stderr } = await run(python, [program], { env: environment(), timeout: 600_000 });
    expect(stdout.trim()).toBe('True');
    const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);
    const install = ((installedAt - startedAt) / 1000).toFixed(1);
    process.stdout.write(`newcomer: ${seconds(startedAt)} s in all, ${install} s of them pip install\n`);

    const againAt = performance.now();
    await run(python, [program], { env: environment(), timeout: 600_000 });
    process.stdout.write(`newcomer, the second time: ${seconds(againAt)} s\n`);
    expect(stderr).toContain('✓ registered iris:1');
    expect(stdout + stderr).not.toContain(muster.token);
  });

  /** Nothing but the address is given: the token is found where `muster up` has left it. */
  function environment(): NodeJS.ProcessEnv {
    return {
      ...place.environment,
      MUSTER_URL: muster?.url,
      XDG_STATE_HOME: join(place.folder, 'state'),
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONIOENCODING: 'utf-8',
    };
  }

  async function pytest(python: string): Promise<{ readonly stdout: string }> {
    const tests = join(root, 'packages/client-python/tests');
    const flags = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--rootdir', tests, tests];
    try {
      return await run(python, flags, {
        cwd: place.folder,
        env: environment(),
        timeout: 1_200_000,
        maxBuffer: 16 * 1024 * 1024,
      });
    } catch (error) {
      const said = typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : '';
      throw new Error(`pytest failed:\n${said.slice(-10_000)}`, { cause: error });
    }
  }
});
