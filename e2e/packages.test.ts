import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Place,
  type RunningMuster,
  isAlive,
  makePlace,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';
import { pythonVersion } from './support/python.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const example = join(root, 'examples/breast-cancer');

/** The machine's own Node, which may be older than what Muster needs. */
const otherNode = '/usr/bin/node';
const otherVersion = spawnSync(otherNode, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
const isOlder = otherVersion !== '' && Number(/^v(\d+)/.exec(otherVersion)?.[1]) < 24;

/** As somebody has it who installs Muster: no clone, nothing of this project's on the path, the machine's npm as it is. */
const outside = Object.fromEntries(
  Object.entries(process.env)
    .filter(
      ([name]) => !/^(npm_(?!config_)|npm_config_(local_)?prefix|MUSTER_|NODE_OPTIONS|NODE_PATH|VITEST)/i.test(name),
    )
    .map(([name, value]) => [name, name === 'PATH' ? withoutRoot(value ?? '') : value]),
);

function withoutRoot(path: string): string {
  return path
    .split(':')
    .filter((folder) => !folder.startsWith(root))
    .join(':');
}

let folder: string;
let tarballs: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-packages-'));
  await run('sh', [join(root, 'scripts/pack.sh'), join(folder, 'tarballs')], { cwd: root });
  tarballs = (await readdir(join(folder, 'tarballs'))).map((name) => join(folder, 'tarballs', name));
  const options = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--fetch-retries=1',
    '--prefix',
    folder,
  ];
  await run('npm', ['install', ...options, ...tarballs], { cwd: folder, env: outside, timeout: 1_200_000 }).catch(
    (error: unknown) => {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
      throw new Error(`npm could not install the packages; it needs a registry or a full cache:\n${said}`, {
        cause: error,
      });
    },
  );
}, 1_500_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe('the packages', () => {
  it('are those that are published, each with what runs, its licence, and nothing for developers', async () => {
    expect(tarballs).toHaveLength(6);
    for (const tarball of tarballs) {
      const { stdout } = await run('tar', ['-tzf', tarball]);
      const files = stdout.trim().split('\n');
      expect(files).toContain('package/LICENSE');
      const unwanted = files.filter(
        (file) =>
          /\/(src|test-support|tests|tests_look|fixtures|node_modules|__pycache__)\/|\.test\.|tsconfig|tsbuildinfo|\.log$/.test(
            file,
          ) ||
          (file.endsWith('.ts') && !file.endsWith('.d.ts')),
      );
      expect(unwanted).toEqual([]);
      expect(files.filter((file) => /\.(js|py)$/.test(file)).length).toBeGreaterThan(0);
    }
  });

  it('name only versions that are pinned', async () => {
    for (const tarball of tarballs) {
      const { stdout } = await run('tar', ['-xzOf', tarball, 'package/package.json']);
      const { dependencies = {}, optionalDependencies = {} } = JSON.parse(stdout) as Record<
        string,
        Record<string, string>
      >;
      for (const version of Object.values({ ...dependencies, ...optionalDependencies }))
        expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
  });
});

const nodes: [string, string, boolean][] = [
  ['this Node', process.execPath, true],
  [`an older Node (${otherVersion || 'none here'})`, otherNode, isOlder],
];

describe.each(nodes)('installed into an empty folder, with %s', (_what, node, isThere) => {
  let place: Place;
  let muster: RunningMuster | undefined;
  beforeAll(async () => {
    place = await makePlace();
  });
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  const installed = (): string => join(folder, 'node_modules/@muster-ml/muster/bin/muster.js');
  /** What the command prints; throws with what it said where it fails. */
  async function command(...words: readonly string[]): Promise<string> {
    const env = { ...outside, XDG_CONFIG_HOME: place.environment['XDG_CONFIG_HOME'] };
    const { stdout } = await run(node, [installed(), ...words], { cwd: place.folder, env });
    return stdout;
  }

  it.runIf(isThere)('says its version', async () => {
    const version = /^\d+\.\d+\.\d+\n$/;
    expect(await command('--version')).toMatch(version);
    // The name that npm links finds the Node of the path, whichever that is.
    expect((await run('npx', ['muster', '--version'], { cwd: folder, env: outside })).stdout).toMatch(version);
  });

  it.runIf(isThere)('starts, takes a model, answers, and stops without leaving a process', async () => {
    muster = await startMuster(place, { command: [node, installed()] });
    expect(
      await command(
        'deploy',
        join(example, 'model-v1.onnx'),
        '--name',
        'fresh',
        '--sample',
        join(example, 'sample.csv'),
        '--server',
        muster.url,
      ),
    ).toBe(`${muster.url}/predict/fresh\n`);
    const answer = await command('predict', 'fresh', join(example, 'heldout.csv'), '--json', '--server', muster.url);
    const { predictions } = JSON.parse(answer) as { readonly predictions: readonly unknown[] };
    expect(predictions.length).toBeGreaterThan(10);
    expect(await command('deploy', '--example', '--server', muster.url)).toBe(`${muster.url}/predict/breast-cancer\n`);
    if (pythonVersion() !== undefined || process.env['CI'] === 'true') {
      const own = join(place.folder, 'doubler');
      await mkdir(own);
      const source =
        'def load(path):\n    return 2\n\n\ndef predict(model, data):\n    return [row["x"] * model for row in data]\n';
      await writeFile(join(own, 'model.py'), source);
      await writeFile(join(own, '../rows.csv'), 'x\n1\n21\n');
      await command('deploy', own, '--sample', join(own, '../rows.csv'), '--server', muster.url);
      const doubled = await command('predict', 'doubler', join(own, '../rows.csv'), '--json', '--server', muster.url);
      expect(JSON.parse(doubled)).toMatchObject({ predictions: [{ prediction: 2 }, { prediction: 42 }] });
    }
    const tree = await muster.tree();
    expect(tree.length).toBeGreaterThanOrEqual(4);
    await muster.stop();
    await until('no process is left', 10_000, async () =>
      (await Promise.all(tree.map(isAlive))).every((alive) => !alive),
    );
  });
});
