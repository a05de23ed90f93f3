import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EnvironmentSpec } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import { pythonSettings } from '../../../test-support/python-settings.ts';
import { uvForTests } from '../../../test-support/uv.ts';
import { writeWheels } from '../../../test-support/wheels.ts';
import type { Clock } from '../../platform/clock/index.ts';
import { silentLogger } from '../../platform/telemetry/index.ts';
import { type PythonSettings, createPythonEnvironments } from './python-environments.ts';

// Each test starts processes: a second on a machine that does nothing else, more on one that runs all tests.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const found = await uvForTests();
const python = found?.interpreters[0];
const isCi = process.env['CI'] === 'true';
/** Another minor version than that of `python`, where there is one. */
const other = found?.interpreters.find(({ minor }) => minor !== python?.minor);

let folder = '';
let nowMs = Date.now();
const clock: Clock = { now: () => nowMs, after: () => () => {} };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-environments-'));
  for (const name of ['wheels', 'home']) mkdirSync(join(folder, name));
  nowMs = Date.now();
  writeWheels(python?.executable ?? '', join(folder, 'wheels'), [
    { name: 'alpha', version: '1.0', requires: ['gamma<2'] },
    { name: 'beta', version: '1.0', requires: ['gamma>=2'] },
    { name: 'gamma', version: '1.0' },
    { name: 'gamma', version: '2.0' },
    { name: 'newer', version: '1.0', python: '>=3.99' },
    { name: 'elsewhere', version: '1.0', tag: 'cp312-cp312-win_amd64' },
    { name: 'lost', version: '1.0', requires: ['absent>=1'] },
    { name: 'aged', version: '1.0', tag: `cp${(other?.minor ?? '3.0').replace('.', '')}-none-any` },
    { name: 'heavy', version: '1.0', ballast: 24 * 1024 ** 2 },
  ]);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Environments from wheels in a folder, without any network. */
function environments(settings: Partial<PythonSettings> = {}) {
  return createPythonEnvironments({
    folder: join(folder, 'environments'),
    toolsFolder: join(folder, 'tools'),
    settings: {
      ...pythonSettings,
      interpreters: [python?.executable ?? ''],
      default: python?.minor,
      uv: found?.command,
      wheelFolders: [join(folder, 'wheels')],
      offline: true,
      environmentMs: 60_000,
      maxEnvironmentBytes: 16 * 1024 ** 2,
      keepUnusedMs: 3_600_000,
      ...settings,
    },
    environment: { PATH: '/usr/bin:/bin', HOME: join(folder, 'home') },
    clock,
    log: silentLogger(),
  });
}

const made = (): readonly string[] => readdirSync(join(folder, 'environments')).filter((name) => name !== 'work');
/** What builds leave besides the cache: nothing. */
const left = (): readonly string[] => {
  const work = join(folder, 'environments/work');
  return existsSync(work) ? readdirSync(work).filter((name) => name !== 'cache') : [];
};
const make = async (
  requirements: readonly string[],
  settings: Partial<PythonSettings> = {},
): Promise<EnvironmentSpec> => await environments(settings).makeEnvironment({ requirements }, () => {});

/** A program in the place of uv; `$*` are its arguments. */
function fakeUv(body: string): string {
  const file = join(folder, 'uv');
  writeFileSync(file, `#!/bin/sh\nif [ "$1" = --version ]; then echo uv 0.99.0; exit; fi\n${body}\n`, { mode: 0o755 });
  return file;
}

describe.skipIf(python === undefined && !isCi)('an environment of a Python model', () => {
  test('has exact versions of all that is needed, and runs', async () => {
    const own = environments();
    const heard: string[] = [];
    const spec = await own.makeEnvironment({ requirements: ['alpha', ' # a comment'] }, (text) => heard.push(text));
    expect(spec).toEqual({ python: python?.minor, requirements: ['alpha==1.0', 'gamma==1.0'] });
    expect(heard).toEqual(
      expect.arrayContaining([`resolving 1 requirement for Python ${python?.minor}`, 'installing 2 packages']),
    );
    const { digest, python: program, folder: at, readable, sizeBytes } = await own.ensure(spec);
    const code = 'import alpha, gamma, sys; print(alpha.version, gamma.version, sys.prefix)';
    const environment = { cwd: '/', env: {}, encoding: 'utf8' } as const;
    expect(execFileSync(program, ['-I', '-c', code], environment)).toBe(`1.0 1.0 ${at}\n`);
    expect(readable).toEqual([at, ...(python?.readable ?? [])]);
    expect(sizeBytes).toBeGreaterThan(0);
    expect([made(), left()]).toEqual([[digest], []]);
  });

  test.skipIf(other === undefined)(
    'is made with another Python where nobody named one and this one will not do',
    async () => {
      const settings = { interpreters: [python?.executable ?? '', other?.executable ?? ''] };
      const spec = await make(['aged'], settings);
      expect(spec.requirements).toEqual(['aged==1.0']);
      expect(spec.python).toBe(other?.minor);
      const named = environments(settings).makeEnvironment({ python: python?.minor, requirements: ['aged'] }, () => {});
      await expect(named).rejects.toMatchObject({ code: 'environment_unresolvable' });
      // Where none will do, the reason is that of the first.
      await expect(make(['newer'], settings)).rejects.toMatchObject({ code: 'environment_unresolvable' });
    },
  );

  test('can be read by runners of other users and is written by nobody but the server', async () => {
    const mask = process.umask(0o077);
    const own = environments();
    const { folder: at } = await own.ensure(await make(['gamma'])).finally(() => process.umask(mask));
    const files = readdirSync(at, { recursive: true, withFileTypes: true });
    const modes = files
      .filter((file) => file.isFile() || file.isDirectory())
      .map((file) => statSync(join(file.parentPath, file.name)).mode);
    expect(modes.filter((mode) => (mode & 0o044) === 0 || (mode & 0o022) !== 0)).toEqual([]);
    expect(files.some(({ name }) => name.startsWith('__init__.') && name.endsWith('.pyc'))).toBe(true);
  });

  test('is made without running anything of its packages', async () => {
    const ran = join(folder, 'ran');
    writeWheels(python?.executable ?? '', join(folder, 'wheels'), [
      {
        name: 'eager',
        version: '1.0',
        files: {
          'eager.pth': `import pathlib; pathlib.Path(${JSON.stringify(ran)}).touch()\n`,
          'eager/broken.py': 'def (',
          'eager/tests/__init__.py': '',
        },
      },
    ]);
    const own = environments();
    const { folder: at, python: program } = await own.ensure(await make(['eager']));
    expect(existsSync(ran)).toBe(false);
    const names = readdirSync(join(at, 'lib'), { recursive: true, encoding: 'utf8' });
    const compiled = names.filter((name) => name.endsWith('.pyc'));
    expect(compiled.map((name) => name.split('/').slice(-3, -1).join('/'))).toEqual(['eager/__pycache__']);
    // Here it does run.
    execFileSync(program, ['-I', '-B', '-c', 'import eager']);
    expect(existsSync(ran)).toBe(true);
  });

  test('without requirements is Python alone', async () => {
    const own = environments();
    const spec = await own.makeEnvironment({ requirements: [] }, () => {});
    expect(spec.requirements).toEqual([]);
    expect(existsSync((await own.ensure(spec)).python)).toBe(true);
  });

  test('is made once for all who want it at the same time, and found again', async () => {
    const calls = join(folder, 'calls');
    const uv = fakeUv(`echo "$1" >> ${calls}; exec ${found?.command} "$@"`);
    const own = environments({ uv });
    const specs = await Promise.all(
      Array.from({ length: 4 }, () => own.makeEnvironment({ requirements: ['gamma==2.0'] }, () => {})),
    );
    const [spec = { python: '', requirements: [] }] = specs;
    expect(new Set(specs.map((each) => JSON.stringify(each))).size).toBe(1);
    const steps = 'pip\nvenv\npip\n';
    expect(readFileSync(calls, 'utf8')).toBe(steps);
    await own.ensure(spec);
    // After a restart, too.
    const { digest } = await environments({ uv }).ensure(spec);
    expect([made(), readFileSync(calls, 'utf8')]).toEqual([[digest], steps]);
  });

  test.each<[string, readonly string[], string, RegExp]>([
    ['two that contradict each other', ['alpha', 'beta'], 'environment_unresolvable', /contradict.*alpha.*gamma/],
    ['a package that is nowhere', ['absent'], 'environment_unresolvable', /^absent is in no wheel folder/],
    ['one that is nowhere and needed', ['lost'], 'environment_unresolvable', /^absent is in no wheel folder.*lost/],
    ['a version that is nowhere', ['gamma==7'], 'environment_unresolvable', /no such version of gamma/],
    ['no wheel for this machine', ['elsewhere'], 'environment_unresolvable', /no wheel of elsewhere for Python 3/],
    ['a newer Python', ['newer'], 'environment_unresolvable', /newer needs Python >=3\.99/],
    ['a line that is no requirement', ['-r /etc/passwd'], 'environment_unresolvable', /an option/],
    ['more than allowed', ['heavy'], 'environment_too_large', /at most 16 MiB/],
  ])('is refused with the reason, and nothing is left: %s', async (_name, requirements, code, message) => {
    await expect(make(requirements)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect([made(), left()]).toEqual([[], []]);
  });

  test('is refused for a Python that is not here', async () => {
    const own = environments();
    const spec = { python: '3.99', requirements: [] };
    await expect(own.makeEnvironment(spec, () => {})).rejects.toMatchObject({ code: 'python_not_found' });
    await expect(own.ensure(spec)).rejects.toMatchObject({ code: 'python_not_found' });
  });

  test('that is not whole any more is made again', async () => {
    const spec = await make(['gamma']);
    const { digest, folder: at } = await environments().ensure(spec);
    const module = readdirSync(at, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('gamma/__init__.py'),
    );
    // As after a loss of power: the name is on the disk, the content is not. The cache has the same file.
    truncateSync(join(at, module ?? ''));
    rmSync(join(folder, 'environments/work'), { recursive: true });
    const { python: program } = await environments().ensure(spec);
    expect(execFileSync(program, ['-I', '-c', 'import gamma; print(gamma.version)'], { encoding: 'utf8' })).toBe(
      '2.0\n',
    );
    expect(made()).toEqual([digest]);
  });

  test('what a crash left behind is cleaned up', async () => {
    for (const name of ['work/17-1/bin', '.removing-abc/bin'])
      mkdirSync(join(folder, 'environments', name), { recursive: true });
    await make([]);
    expect(made().filter((name) => name.startsWith('.'))).toEqual([]);
    expect(left()).toEqual([]);
  });
});

describe.skipIf(python === undefined && !isCi)('a build of an environment', () => {
  const alive = (file: string): boolean => {
    try {
      return process.kill(Number(readFileSync(file, 'utf8')), 0);
    } catch {
      return false;
    }
  };

  test('is killed with all that it started when nobody waits any more', async () => {
    const pidFile = join(folder, 'pid');
    const uv = fakeUv(`sleep 300 & echo $! > ${pidFile}.part; mv ${pidFile}.part ${pidFile}; wait`);
    const own = environments({ uv });
    const abort = new AbortController();
    const making = own.makeEnvironment({ requirements: ['gamma'] }, () => {}, abort.signal);
    making.catch(() => {});
    await eventually(() => existsSync(pidFile));
    expect(alive(pidFile)).toBe(true);
    abort.abort(new Error('the caller left'));
    await expect(making).rejects.toThrow('the caller left');
    await eventually(() => !alive(pidFile));
    await own.stop();
    expect(left()).toEqual([]);
  });

  test('is ended with its host', async () => {
    const pidFile = join(folder, 'pid');
    const own = environments({ uv: fakeUv(`echo $$ > ${pidFile}; exec sleep 300`) });
    const making = own.makeEnvironment({ requirements: ['gamma'] }, () => {});
    making.catch(() => {});
    await eventually(() => existsSync(pidFile) && alive(pidFile));
    await own.stop();
    expect(alive(pidFile)).toBe(false);
    await expect(making).rejects.toThrow('aborted');
  });

  test('that takes too long is ended', async () => {
    await expect(make(['gamma'], { uv: fakeUv('exec sleep 300'), environmentMs: 1_000 })).rejects.toMatchObject({
      code: 'environment_failed',
      place: 'python.environmentMs',
    });
  });

  test('that grows too large is ended while it grows', async () => {
    const grow = 'if [ "$1" != venv ]; then exec sleep 300; fi; for last; do :; done';
    const uv = fakeUv(`${grow}; head -c 40000000 /dev/zero > "$last/ballast"; exec sleep 300`);
    await expect(environments({ uv }).ensure({ python: python?.minor ?? '', requirements: [] })).rejects.toMatchObject({
      code: 'environment_too_large',
    });
    expect([made(), left()]).toEqual([[], []]);
  });

  test('gets the index by a variable, which nobody else can read, and no other of ours', async () => {
    const seen = join(folder, 'seen');
    const uv = fakeUv(`(echo "$*"; env) > ${seen}; exit 1`);
    const indexes = ['https://ada:hunter2@mirror.example/simple', 'https://other.example/simple'];
    await make(['gamma'], { uv, indexes, offline: false }).catch(() => {});
    const text = readFileSync(seen, 'utf8');
    expect(text.split('\n')[0]).not.toMatch(/hunter2|mirror/);
    expect(text).toContain(`UV_DEFAULT_INDEX=${indexes[0]}\n`);
    expect(text).toContain(`UV_INDEX=${indexes[1]}\n`);
    expect(text).toContain('UV_PYTHON_DOWNLOADS=never\n');
    expect(text).toMatch(/^HOME=.*\/home$/m);
  });

  test('needs a uv that answers', async () => {
    await expect(make(['gamma'], { uv: join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'environment_failed',
      place: 'python.uv',
    });
  });
});

describe.skipIf(python === undefined && !isCi)('environments that nothing needs', () => {
  test('are removed once they have been unused for a while', async () => {
    const own = environments();
    const specs = await Promise.all(
      ['gamma==1.0', 'gamma==2.0', 'alpha'].map((each) => own.makeEnvironment({ requirements: [each] }, () => {})),
    );
    const made3 = await Promise.all(specs.map((spec) => own.ensure(spec)));
    const [kept, held] = made3.map(({ digest }) => digest);
    const [spec = { python: '', requirements: [] }] = specs;
    const release = own.hold(held ?? '');

    await own.keepEnvironments([spec]);
    expect(made()).toHaveLength(3);

    nowMs += 3_600_001;
    await own.keepEnvironments([spec]);
    expect(new Set(made())).toEqual(new Set([kept, held]));

    release();
    release();
    // It was in use until now.
    await eventually(
      () => statSync(join(folder, 'environments', held ?? '', 'muster-environment.json')).mtimeMs > nowMs - 1_000,
    );
    await own.keepEnvironments([spec]);
    expect(made()).toHaveLength(2);
    nowMs += 3_600_001;
    await own.keepEnvironments([spec]);
    expect(made()).toEqual([kept]);
  });

  test('take their packages along, unless another environment has them', async () => {
    const calls = join(folder, 'calls');
    const uv = fakeUv(`if [ "$1" = cache ]; then echo "$*" >> ${calls}; fi; exec ${found?.command} "$@"`);
    // An index that is never asked: all is in the wheel folder.
    const own = environments({ uv, offline: false, indexes: [`file://${join(folder, 'home')}`], keepUnusedMs: 0 });
    const [kept = { python: '', requirements: [] }] = await Promise.all(
      ['gamma==1.0', 'alpha'].map((each) => own.makeEnvironment({ requirements: [each] }, () => {})),
    );
    nowMs += 600_001;
    await own.keepEnvironments([kept]);
    expect(made()).toHaveLength(1);
    expect(readFileSync(calls, 'utf8')).toBe('cache clean --no-config --quiet alpha\n');
    await own.makeEnvironment({ requirements: ['alpha'] }, () => {});
  });

  test('that was asked for a moment ago stays, however short it may be kept', async () => {
    const own = environments({ keepUnusedMs: 0 });
    const { digest } = await own.ensure(await own.makeEnvironment({ requirements: ['gamma'] }, () => {}));
    await own.keepEnvironments([]);
    expect(made()).toEqual([digest]);
    nowMs += 600_001;
    await own.keepEnvironments([]);
    expect(made()).toEqual([]);
  });

  test('the environments of our own tools stay', async () => {
    writeWheels(python?.executable ?? '', join(folder, 'wheels'), [{ name: 'picklescan', version: '1.0.5' }]);
    const own = environments({ keepUnusedMs: 0 });
    const tool = await own.ensureTool('look');
    expect(tool).not.toBeNull();
    nowMs += 600_001;
    await own.keepEnvironments([]);
    expect(made()).toEqual([tool?.digest]);
  });

  test('a tool that cannot be had is no error, and is not asked for again at once', async () => {
    const own = environments();
    expect(await own.ensureTool('look')).toBeNull();
    writeWheels(python?.executable ?? '', join(folder, 'wheels'), [{ name: 'picklescan', version: '1.0.5' }]);
    expect(await own.ensureTool('look')).toBeNull();
    nowMs += 600_001;
    expect(await own.ensureTool('look')).not.toBeNull();
  });
});
