import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Cage, confine, isWithin, readableRootOf, seenFolderOf } from './confine.ts';

const tools = { bwrap: true, unshare: true, setpriv: true, taskset: true, landlock: null };
const program = {
  command: '/opt/node/bin/node',
  arguments: ['program.js'],
  readable: ['/opt/node/bin', '/srv/muster', '/usr/lib/node'],
};
const cage: Cage = {
  folder: '/srv/muster/.muster/runners/a',
  socketFolder: '/run/muster-1/r-a',
  hidden: ['/srv/muster/.muster', '/run/muster-1'],
  uid: null,
};

function words(level: Parameters<typeof confine>[0], of: Cage = cage): string {
  const line = confine(level, program, of, tools);
  return [line.command, ...line.arguments].join(' ');
}

describe('bubblewrap', () => {
  test('the data directory is covered after the program that it lies in was shown, and the cage is put back after that', () => {
    const line = words('bubblewrap');
    const order = [
      '--ro-bind /srv/muster /srv/muster',
      '--tmpfs /srv/muster/.muster',
      '--ro-bind /srv/muster/.muster/runners/a/models',
      '--bind /srv/muster/.muster/runners/a/scratch',
      '-- /opt/node/bin/node program.js',
    ];
    const places = order.map((part) => line.indexOf(part));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('nothing else of the file system is shown, and there is no network', () => {
    const line = words('bubblewrap');
    expect(line).toContain('--unshare-all');
    expect(line).not.toContain('--share-net');
    expect(line).not.toMatch(/bind(-try)? \/ /);
    // The runtime folder is in nothing that is shown, so it need not be covered.
    expect(line).not.toContain('--tmpfs /run/muster-1');
  });
});

test('at every level with a user of its own, the runner gives up that of the server and every capability', () => {
  for (const level of ['namespaces', 'uid'] as const) {
    const line = words(level, { ...cage, uid: 61_184 });
    expect(line).toContain(
      '--reuid=61184 --regid=61184 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- /opt/node/bin/node',
    );
    expect(line).not.toContain('--map-root-user');
  }
  expect(words('namespaces')).toContain('--map-root-user');
});

test('a runner ends with the server at every level, also one that hangs', () => {
  expect(words('bubblewrap')).toContain('--die-with-parent');
  expect(words('namespaces')).toMatch(/^setpriv --pdeathsig=KILL -- unshare .*--kill-child=KILL/);
  expect(words('uid', { ...cage, uid: 61_184 })).toMatch(/^setpriv --pdeathsig=KILL/);
  expect(words('none')).toBe('setpriv --pdeathsig=KILL -- /opt/node/bin/node program.js');
  expect(confine('none', program, cage, { ...tools, setpriv: false })).toEqual({
    command: '/opt/node/bin/node',
    arguments: ['program.js'],
  });
});

test('with namespaces the cage is seen beside the socket, where another user can get to it', () => {
  expect(seenFolderOf('namespaces', cage)).toBe('/run/muster-1/r-a-cage');
  expect(seenFolderOf('bubblewrap', cage)).toBe(cage.folder);
});

test('a folder holds itself and what is below it, not its namesakes', () => {
  expect(isWithin('/a/b', '/a/b')).toBe(true);
  expect(isWithin('/a/b/c', '/a/b')).toBe(true);
  expect(isWithin('/a/bc', '/a/b')).toBe(false);
  expect(isWithin('/a', '/')).toBe(true);
});

test("a program's packages are readable up to the outermost folder that holds some", () => {
  const holders = new Set(['/srv/muster', '/srv/muster/packages/x']);
  expect(readableRootOf('/srv/muster/packages/x/src/program.ts', (folder) => holders.has(folder))).toBe('/srv/muster');
  expect(readableRootOf('/opt/x/program.js', () => false)).toBe('/opt/x');
});

describe('a program that runs models which are code', () => {
  const python = {
    ...program,
    command: '/opt/env/bin/python',
    arguments: ['program.py'],
    python: '/opt/env/bin/python',
  };
  const wishOf = (level: Parameters<typeof confine>[0]): Record<string, unknown> => {
    const line = confine(level, python, { ...cage, limits: { nofile: 1024 } }, tools);
    const at = line.arguments.findIndex((word) => word.startsWith('{'));
    const before = [line.command, ...line.arguments].slice(at - 3, at + 1);
    expect(before).toEqual([python.python, '-I', '-S', expect.stringMatching(/confine\.py$/)]);
    expect(line.arguments.slice(at + 1)).toEqual(['--', python.command, 'program.py']);
    return JSON.parse(line.arguments[at] ?? '') as Record<string, unknown>;
  };

  test('closes its cage from within before anything else runs in its interpreter', () => {
    const wish = wishOf('namespaces');
    expect(wish).toMatchObject({ landlock: 'may', limits: { nofile: 1024 } });
    expect(wish['read']).toEqual([...python.readable, '/run/muster-1/r-a-cage/models', '/proc']);
    expect(wish['write']).toEqual(['/run/muster-1/r-a-cage/scratch', cage.socketFolder, '/dev/shm']);
  });

  test('must have Landlock where that is the level, and gets none where none is wished', () => {
    expect(wishOf('landlock')['landlock']).toBe('must');
    expect(wishOf('uid')['landlock']).toBe('may');
    expect(wishOf('none')).toMatchObject({ landlock: 'no', limits: { nofile: 1024 } });
    // Without namespaces, /proc shows everybody's processes.
    expect(wishOf('landlock')['read']).not.toContain('/proc');
  });

  test('does not see homes and temporary folders, but what it needs of them, in the order that lets it be seen', () => {
    const root = process.cwd();
    const line = confine('namespaces', { ...python, readable: [root] }, { ...cage, hidden: [dirname(root)] }, tools);
    const all = line.arguments;
    expect(all.indexOf('/tmp')).toBeGreaterThan(0);
    expect(all[all.indexOf('/tmp') - 1]).toBe('hide');
    const [hidden, shown] = [all.indexOf(dirname(root)), all.indexOf(root)];
    expect([all[hidden - 1], all[shown - 1]]).toEqual(['hide', 'show']);
    expect(hidden).toBeLessThan(shown);
  });
});

test('at the level landlock, a program that cannot set it by itself is started by a Python that can', () => {
  const line = confine('landlock', program, cage, { ...tools, landlock: { python: '/usr/bin/python3', abi: 7 } });
  expect([line.command, ...line.arguments].join(' ')).toMatch(
    /^setpriv --pdeathsig=KILL -- \/usr\/bin\/python3 -I -S \S+confine\.py .*"landlock":"must".* -- \/opt\/node\/bin\/node program\.js$/,
  );
});
