import { describe, expect, test } from 'vitest';
import { type Cage, confine, isWithin, readableRootOf, seenFolderOf } from './confine.ts';

const tools = { bwrap: true, unshare: true, setpriv: true, taskset: true };
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
