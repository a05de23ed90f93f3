import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Interpreter, chooseInterpreter, findInterpreters, withoutNested } from './interpreters.ts';

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'muster-pythons-')));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Makes a program that answers as a Python would. */
function fakePython(path: string, version: readonly number[], about: object = {}): string {
  const file = join(folder, path);
  const answer = {
    isCPython: true,
    isFinal: true,
    version,
    executable: file,
    platform: 'linux-x86_64',
    readable: [join(folder, 'lib', path), ''],
    ...about,
  };
  return script(path, `echo '${JSON.stringify(answer)}'`);
}

function script(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Those that were found below the folder of the test: the machine has its own. */
async function find(path: readonly string[], configured: readonly string[] = []): Promise<readonly string[]> {
  const environment = { PATH: path.map((each) => join(folder, each)).join(':'), HOME: join(folder, 'home') };
  const found = await findInterpreters({ configured, environment });
  return found
    .filter(({ executable }) => executable.startsWith(folder))
    .map(({ executable, version }) => `${version} ${executable.slice(folder.length + 1)}`);
}

describe('interpreters are found by running them', () => {
  test('the configured ones first, then those on the PATH, of pyenv and of uv', async () => {
    fakePython('home/.pyenv/versions/3.10.2/bin/python3', [3, 10, 2]);
    fakePython('home/.local/share/uv/python/cpython-3.13.1/bin/python3.13', [3, 13, 1]);
    fakePython('bin/python3.12', [3, 12, 4]);
    const own = fakePython('own/snake', [3, 9, 1]);
    expect(await find(['bin'], [own])).toEqual([
      '3.9.1 own/snake',
      '3.12.4 bin/python3.12',
      '3.10.2 home/.pyenv/versions/3.10.2/bin/python3',
      '3.13.1 home/.local/share/uv/python/cpython-3.13.1/bin/python3.13',
    ]);
  });

  test('what does not answer as a Python is left out', async () => {
    script('bin/python3.9', 'echo "pyenv: python3.9: command not found" >&2; exit 127');
    script('bin/python3.10', 'echo no JSON');
    script('bin/python3.11', 'kill -9 $$');
    fakePython('bin/python3.12', [3, 12, 0]);
    fakePython('bin/python3.13', [3, 13, 0], { isCPython: false });
    fakePython('bin/python3.14', [3, 14, 0], { isFinal: false });
    fakePython('bin/python3.15', [3, 15, 0], { executable: join(folder, 'gone') });
    fakePython('bin/python3', [2, 7, 18]);
    fakePython('bin/python3.6', [3, 6, 8]);
    writeFileSync(join(folder, 'bin/python3.16'), 'not a program');
    expect(await find(['bin'], [join(folder, 'nowhere')])).toEqual(['3.12.0 bin/python3.12']);
  });

  test('one with several names is one', async () => {
    fakePython('bin/python3.12', [3, 12, 0]);
    fakePython('shims/python3', [3, 12, 0], { executable: join(folder, 'bin/python3.12') });
    symlinkSync('python3.12', join(folder, 'bin/python3'));
    expect(await find(['shims', 'bin'])).toEqual(['3.12.0 bin/python3.12']);
  });
});

describe('the Python of a model', () => {
  const pythons = (...versions: readonly string[]): readonly Interpreter[] =>
    versions.map((version) => ({
      executable: `/${version}`,
      version,
      minor: version.split('.').slice(0, 2).join('.'),
      platform: '',
      readable: [],
    }));
  const found = pythons('3.11.7', '3.9.1', '3.14.0', '3.11.2', '3.13.2');

  test('is the first of the minor version that it wants', () => {
    expect(chooseInterpreter(found, '3.11', '3.13').version).toBe('3.11.7');
    expect(chooseInterpreter(found, '3.14', undefined).version).toBe('3.14.0');
  });

  test('is the default otherwise, else the newest that packages have wheels for', () => {
    expect(chooseInterpreter(found, undefined, '3.9').version).toBe('3.9.1');
    expect(chooseInterpreter(found, undefined, undefined).version).toBe('3.13.2');
    expect(chooseInterpreter(pythons('3.15.0', '3.14.1'), undefined, undefined).version).toBe('3.14.1');
  });

  test('is refused with those that are here', () => {
    expect(() => chooseInterpreter(found, '3.12', undefined)).toThrow(
      expect.objectContaining({
        code: 'python_not_found',
        message: 'there is no Python 3.12 here; there is 3.9, 3.11, 3.13, 3.14',
      }),
    );
    expect(() => chooseInterpreter(found, undefined, '3.10')).toThrow(
      expect.objectContaining({ place: 'python.default' }),
    );
    expect(() => chooseInterpreter([], undefined, undefined)).toThrow(
      expect.objectContaining({ code: 'python_not_found' }),
    );
  });
});

test('of nested folders the outermost is enough to show', () => {
  expect(withoutNested(['/usr/lib/python3', '/usr', '/usr', '/usrlocal'])).toEqual(['/usr', '/usrlocal']);
});
