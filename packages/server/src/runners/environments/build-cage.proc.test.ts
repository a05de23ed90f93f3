import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pythonSettings } from '../../../test-support/python-settings.ts';
import { uvForTests } from '../../../test-support/uv.ts';
import { writeWheels } from '../../../test-support/wheels.ts';
import { systemClock } from '../../platform/clock/index.ts';
import { runProgram } from '../../platform/processes/index.ts';
import { silentLogger } from '../../platform/telemetry/index.ts';
import { createBuildCage } from './build-cage.ts';
import { createPythonEnvironments } from './python-environments.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const found = await uvForTests();
const python = found?.interpreters[0];
const isCi = process.env['CI'] === 'true';

let folder = '';
let server: Server;
let port = 0;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-caged-'));
  for (const name of ['wheels', 'data', 'run']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'data/secret'), 'secret');
  writeWheels(python?.executable ?? '', join(folder, 'wheels'), [
    { name: 'alpha', version: '1.0', requires: ['gamma'] },
    { name: 'gamma', version: '1.0' },
  ]);
  server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    const [, place = '', name = ''] = (request.url ?? '').split('/');
    const files = readdirSync(join(folder, 'wheels')).filter((file) => file.startsWith(`${name}-`));
    if (place === 'simple') return response.end(files.map((file) => `<a href="/files/${file}">${file}</a>`).join(''));
    return response.end(readFileSync(join(folder, 'wheels', name)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

type Level = 'namespaces' | 'bubblewrap';

const trials: Readonly<Record<Level, string>> = {
  namespaces: 'unshare --net --mount --pid --fork --map-root-user --mount-proc true',
  bubblewrap: 'bwrap --unshare-all --ro-bind / / true',
};

const environment = { PATH: process.env['PATH'] ?? '', HOME: homedir() };

/** Whether this machine offers a level. */
const isOffered = (level: Level): boolean =>
  spawnSync('/bin/sh', ['-c', trials[level]], { timeout: 20_000 }).status === 0;

const cageOf = (level: Level) => ({
  isolation: { level, tools: { setpriv: true } },
  runtimeDir: join(folder, 'run'),
  hidden: [join(folder, 'data'), join(folder, 'run')],
});

/** Tries what a package that is built from source might. */
const hostile = String.raw`
import json, os, socket, sys, urllib.request
def may(action):
    try:
        return action() or True
    except Exception:
        return False
def connect(family, address):
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect(address)
def fetch(url):
    try:
        return urllib.request.urlopen(url, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
folder, port, home = FOLDER, PORT, HOME
status = open("/proc/self/status").read()
print(json.dumps({
    "writesHere": may(lambda: open("here", "w").close()),
    "readsSecret": may(lambda: open(folder + "/data/secret").close()),
    "listsData": may(lambda: os.listdir(folder + "/data")),
    "seesHome": may(lambda: os.listdir(home)) if not home.startswith("/usr") else [],
    "plants": may(lambda: open(folder + "/data/environments/planted", "w").close()) or True,
    "writesSystem": [path for path in ("/usr", "/etc", "/var", "/opt", "/") if may(lambda: open(path + "/muster-planted", "w").close())],
    "writesPython": may(lambda: open(sys.base_prefix + "/muster-planted", "w").close()),
    "direct": may(lambda: connect(socket.AF_INET, ("127.0.0.1", port))),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "index": fetch("http://127.0.0.1:%d/simple/alpha/" % port),
    "elsewhere": fetch("http://127.0.0.1:%d/" % (port + 1)),
    "processes": sum(name.isdigit() for name in os.listdir("/proc")) < 8,
    "capabilities": status.split("CapEff:")[1].split()[0].strip("0"),
    "privileges": status.split("NoNewPrivs:")[1].split()[0],
}))
`;

describe.skipIf(python === undefined && !isCi).each(['namespaces', 'bubblewrap'] as const)(
  'a build in a cage: %s',
  (level) => {
    test('gets its packages from the index, by the one way out', async () => {
      if (!isOffered(level)) return;
      const own = createPythonEnvironments({
        folder: join(folder, 'data/environments'),
        toolsFolder: join(folder, 'data/tools'),
        settings: {
          ...pythonSettings,
          interpreters: [python?.executable ?? ''],
          default: python?.minor,
          uv: found?.command,
          indexes: [`http://127.0.0.1:${port}/simple`],
          // Where the cage did not work, this would be refused instead of done without it.
          allowSourceBuilds: true,
        },
        environment,
        cage: cageOf(level),
        clock: systemClock,
        log: silentLogger(),
      });
      const spec = await own.makeEnvironment({ requirements: ['alpha'] }, () => {});
      expect(spec.requirements).toEqual(['alpha==1.0', 'gamma==1.0']);
      const { python: program } = await own.ensure(spec);
      const ran = spawnSync(program, ['-I', '-c', 'import alpha; print(alpha.version)'], { encoding: 'utf8' });
      expect(ran.stdout).toBe('1.0\n');
      expect(readdirSync(join(folder, 'run'))).toEqual([]);
    });

    test('sees, writes and reaches nothing else', async () => {
      if (!isOffered(level) || python === undefined) return;
      const work = join(folder, 'data/environments/work');
      mkdirSync(join(work, '1'), { recursive: true });
      const source = hostile
        .replace('FOLDER', JSON.stringify(folder))
        .replace('PORT', String(port))
        .replace('HOME', JSON.stringify(homedir()));
      const confined = await createBuildCage({ ...cageOf(level), environment, python })(
        { command: python.executable, arguments: ['-I', '-c', source] },
        { folder: work, readable: [join(folder, 'wheels')], hosts: [`127.0.0.1:${port}`] },
        join(work, '1'),
      );
      const end = await runProgram({
        ...confined.line,
        environment,
        workingDirectory: join(work, '1'),
        timeoutMs: 60_000,
        maxOutputBytes: 65_536,
      });
      await confined.close();
      expect(end).toEqual({ outcome: 'done', output: expect.anything() as unknown });
      expect(confined.refused()).toEqual([`127.0.0.1:${port + 1}`]);
      const output = end.outcome === 'done' ? new TextDecoder().decode(end.output) : '{}';
      expect(JSON.parse(output)).toEqual({
        writesHere: true,
        readsSecret: false,
        listsData: ['environments'],
        seesHome: expect.not.arrayContaining(['.ssh', '.bashrc', '.profile', '.config', '.cache']) as unknown,
        plants: true,
        writesSystem: [],
        writesPython: false,
        direct: false,
        interfaces: ['lo'],
        index: 200,
        elsewhere: 403,
        processes: true,
        capabilities: '',
        privileges: '1',
      });
      expect(readdirSync(join(work, '1'))).toEqual(['here']);
      expect(readdirSync(join(folder, 'data/environments'))).toEqual(['work']);
    });
  },
);
