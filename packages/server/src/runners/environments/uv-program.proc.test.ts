import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import type { Interpreter } from './interpreters.ts';
import { type UvSearch, findUv, pinnedUvVersion } from './uv-program.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-uv-'));
  // In front of one that the machine may have.
  script('path/uv', 'exit 1');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function script(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A Python that does what the text says, and notes how it was called. */
function fakePython(name: string, text: string): Interpreter {
  const executable = script(
    name,
    `echo "${name} $*" >> ${join(folder, 'calls')}; env >> ${join(folder, 'variables')}\n${text}`,
  );
  return { executable, version: '3.12.0', minor: '3.12', platform: '', readable: [] };
}

const calls = (): string => readFileSync(join(folder, 'calls'), 'utf8');
const putUv = (at: string): string =>
  `mkdir -p ${at}/bin; printf '#!/bin/sh\\necho uv ${pinnedUvVersion}\\n' > ${at}/bin/uv; chmod 755 ${at}/bin/uv`;
/** Finds the folder behind `--target` among its arguments. */
const pipInstalls = `while [ "$1" != --target ]; do shift; done; ${putUv('$2')}`;

const sources = { indexes: [], wheelFolders: [], downloadHosts: [], offline: false, allowSourceBuilds: false };

async function find(search: Partial<UvSearch>) {
  const found = await findUv({
    configured: undefined,
    sources,
    environment: { PATH: `${join(folder, 'path')}:/usr/bin:/bin` },
    toolsFolder: join(folder, 'tools'),
    interpreters: [],
    onProgress: () => {},
    signal: new AbortController().signal,
    ...search,
  });
  return { ...found, command: found.command.slice(folder.length + 1) };
}

describe('uv', () => {
  test('is the one of the configuration, or nothing', async () => {
    script('path/uv', 'echo uv 0.9.0');
    expect(await find({ configured: script('own/uv', 'echo "uv 0.8.1 (abc 2025-01-01)"') })).toEqual({
      command: 'own/uv',
      version: '0.8.1',
    });
    await expect(find({ configured: join(folder, 'nowhere') })).rejects.toMatchObject({ place: 'python.uv' });
    await expect(find({ configured: script('old', 'echo uv 0.4.2') })).rejects.toMatchObject({
      code: 'environment_failed',
    });
  });

  test('is the one on the PATH', async () => {
    script('path/uv', 'echo uv 0.9.0');
    expect(await find({})).toEqual({ command: 'path/uv', version: '0.9.0' });
  });

  test('is installed with pip where there is none, or an old one, once', async () => {
    script('path/uv', 'echo uv 0.4.2');
    const interpreters = [fakePython('python', pipInstalls)];
    const uv = { command: `tools/uv-${pinnedUvVersion}/bin/uv`, version: pinnedUvVersion };
    expect(await find({ interpreters })).toEqual(uv);
    expect(calls()).toMatch(
      new RegExp(`^python -I -m pip install .*--only-binary :all: --target .* uv==${pinnedUvVersion}\\n$`),
    );
    expect(await find({ interpreters })).toEqual(uv);
    expect(calls().split('\n')).toHaveLength(2);
    expect(readdirSync(join(folder, 'tools'))).toEqual([`uv-${pinnedUvVersion}`]);
  });

  test('is installed into a virtual environment by a Python without pip, and by the next where one can do neither', async () => {
    const interpreters = [
      fakePython('broken', 'echo "ERROR: No module named pip" >&2; exit 1'),
      fakePython(
        'bare',
        `if [ "$3" = pip ]; then exit 1; fi; mkdir -p "$4/bin"; printf '#!/bin/sh\\n${putUv('$(dirname $(dirname $0))').replaceAll("'", `'"'"'`)}\\n' > "$4/bin/python"; chmod 755 "$4/bin/python"`,
      ),
    ];
    expect(await find({ interpreters })).toMatchObject({ command: `tools/uv-${pinnedUvVersion}/bin/uv` });
    expect(calls()).toMatch(/^broken -I -m pip .*\nbroken -I -m venv .*\nbare -I -m pip .*\nbare -I -m venv .*\n$/);
  });

  test('that cannot be installed is an error that says how to do it', async () => {
    const interpreters = [
      fakePython('python', 'echo "ERROR: no route to https://ada:hunter2@mirror.example" >&2; exit 1'),
    ];
    await expect(find({ interpreters })).rejects.toMatchObject({
      code: 'environment_failed',
      message: expect.stringMatching(/no route to https:\/\/mirror\.example$/) as string,
      remedy: expect.stringMatching(/Install uv.*python\.uv.*python\.wheelFolders/) as string,
    });
    await expect(find({})).rejects.toMatchObject({ message: expect.stringMatching(/no Python was found/) as string });
    expect(readdirSync(join(folder, 'tools'))).toEqual([]);
  });

  test('comes from the configured places, whose addresses are no arguments', async () => {
    const indexes = ['own=https://ada:hunter2@mirror.example/simple', 'https://other.example/simple'];
    const interpreters = [fakePython('python', pipInstalls)];
    await find({ interpreters, sources: { ...sources, indexes, wheelFolders: ['/wheels'], offline: true } });
    expect(calls()).toMatch(/--no-index --find-links \/wheels/);
    expect(calls()).not.toMatch(/hunter2/);
    const variables = readFileSync(join(folder, 'variables'), 'utf8');
    expect(variables).toContain('PIP_INDEX_URL=https://ada:hunter2@mirror.example/simple\n');
    expect(variables).toContain('PIP_EXTRA_INDEX_URL=https://other.example/simple\n');
  });

  test('is not installed any more when nobody waits', async () => {
    const started = join(folder, 'started');
    const interpreters = [fakePython('python', `touch ${started}; sleep 60`)];
    const abort = new AbortController();
    const finding = find({ interpreters, signal: abort.signal });
    finding.catch(() => {});
    await eventually(() => existsSync(started));
    abort.abort(new Error('stopped'));
    await expect(finding).rejects.toThrow('stopped');
  });
});
