import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ConfiningTools,
  type IsolationLevel,
  asUser,
  dieWithParent,
  namespaceWords,
  systemFolders,
} from '../confine.ts';
import { bridgeProgram, enterProgram } from './build-cage-programs.ts';
import { startEgressProxy } from './egress-proxy.ts';
import type { Interpreter } from './interpreters.ts';
import { type ConfineBuild, plainBuild } from './run-uv.ts';

export interface BuildCageOptions {
  readonly isolation: { readonly level: IsolationLevel; readonly tools: Pick<ConfiningTools, 'setpriv'> };
  /** Where the socket of the way out is made; short. */
  readonly runtimeDir: string;
  /** What a build must not see, whatever else is shown: the data directory, the configuration. */
  readonly hidden: readonly string[];
  /** The environment of tools, whole: its proxy variables say how this machine gets out. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs our own programs in the cage, which need its standard library. */
  readonly python: Interpreter;
}

/** Where people and other programs keep what is theirs: homes, sockets, temporary files. */
const othersFolders = ['/root', '/home', '/run', '/tmp', '/var/tmp', '/srv', '/mnt', '/media', '/dev/shm'];
/** Certificates and names: what a client of HTTPS needs of /etc. */
const networkFiles = ['/etc/ssl', '/etc/pki', '/etc/ca-certificates', '/etc/passwd', '/etc/nsswitch.conf'];

const isolatedPython = ['-I', '-S', '-c'];

/**
 * The cage of builds: with namespaces or bubblewrap, a build sees the system, the interpreter and its own folders, and
 * reaches the hosts of the package indexes only, through a proxy of ours. The weaker levels confine no build: wheels run
 * no code of theirs while they are installed.
 */
export function createBuildCage(options: BuildCageOptions): ConfineBuild {
  const { isolation, runtimeDir, hidden, environment, python } = options;
  if (isolation.level !== 'bubblewrap' && isolation.level !== 'namespaces') return plainBuild;
  const covered = [...hidden, environment['HOME'] ?? '', ...othersFolders].filter((path) => path.length > 1);
  let count = 0;
  return async (line, reach, workingDirectory) => {
    const folder = join(runtimeDir, `b-${process.pid}-${++count}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const socketFile = join(folder, 's');
    const proxy =
      reach.hosts.length === 0 ? null : await startEgressProxy({ socketFile, hosts: reach.hosts, environment });
    const bridge = proxy === null ? [] : [python.executable, ...isolatedPython, bridgeProgram, socketFile];
    const inner = [...bridge, line.command, ...line.arguments];
    const seen = {
      cwd: workingDirectory,
      readable: [...reach.readable, ...python.readable, python.executable, folder],
      writable: [reach.folder],
    };
    const words =
      isolation.level === 'bubblewrap'
        ? [...bubblewrap(seen), ...inner]
        : [...namespaces({ ...seen, hidden: covered }, options), ...inner];
    const [command = '', ...rest] = words;
    return {
      line: { command, arguments: rest },
      refused: () => proxy?.refused() ?? [],
      close: async () => {
        await proxy?.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  };
}

interface Seen {
  readonly cwd: string;
  readonly readable: readonly string[];
  readonly writable: readonly string[];
}

function namespaces(
  wish: Seen & { readonly hidden: readonly string[] },
  { isolation, python }: BuildCageOptions,
): readonly string[] {
  // Without being root, capabilities come from a user namespace in which we are.
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  return [
    ...dieWithParent(isolation.tools),
    ...namespaceWords,
    ...user,
    '--',
    python.executable,
    ...isolatedPython,
    enterProgram,
    JSON.stringify(wish),
    ...asUser(null),
  ];
}

/** It raises the loopback interface by itself. */
function bubblewrap({ cwd, readable, writable }: Seen): readonly string[] {
  return [
    ...'bwrap --unshare-all --die-with-parent --new-session --cap-drop ALL'.split(' '),
    ...'--proc /proc --dev /dev --tmpfs /tmp'.split(' '),
    ...[...systemFolders, ...networkFiles, ...readable].flatMap((path) => ['--ro-bind-try', path, path]),
    ...writable.flatMap((path) => ['--bind', path, path]),
    '--remount-ro',
    '/',
    '--chdir',
    cwd,
    '--',
  ];
}
