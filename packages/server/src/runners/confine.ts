import { dirname, sep } from 'node:path';

/** How strongly a runner is caged, the strongest first. */
export const isolationLevels = ['bubblewrap', 'namespaces', 'uid', 'none'] as const;

export type IsolationLevel = (typeof isolationLevels)[number];

/** A program and what it needs to read in order to run. */
export interface Program {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Folders and files of the program itself: Node, its packages. */
  readonly readable: readonly string[];
}

/** What one runner may see of the file system besides the program and the system's libraries. */
export interface Cage {
  /** Holds `models/`, read-only, and `scratch/`, its working directory. */
  readonly folder: string;
  /** Where it makes its socket; nothing else is there. */
  readonly socketFolder: string;
  /** What it must not see: the data directory, the runtime folder, the configuration with the admin token. */
  readonly hidden: readonly string[];
  /** The user that it runs as; null: ours. */
  readonly uid: number | null;
}

/** Tools of the machine that were found. */
export interface ConfiningTools {
  readonly bwrap: boolean;
  readonly unshare: boolean;
  readonly setpriv: boolean;
  readonly taskset: boolean;
}

export interface CommandLine {
  readonly command: string;
  readonly arguments: readonly string[];
}

const systemFolders = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/nix/store',
  '/etc/ld.so.cache',
  '/etc/localtime',
  '/etc/alternatives',
];

/**
 * Runs as process 1 of new namespaces: takes hold of the cage, covers what is hidden with empty file systems, puts the cage
 * where the runner sees it, and gives up every capability before the program begins.
 * Arguments: models, scratch, socket folder, where the cage is seen, number of hidden folders, those, then the command.
 */
const namespaceScript = `
set -e
umask 022
socket=$3 seen=$4 hidden=$5
exec 7<"$1" 8<"$2" 9<"$3"
shift 5
while [ "$hidden" -gt 0 ]; do
  if [ -d "$1" ]; then mount -n -t tmpfs -o mode=755,size=64k muster "$1"; fi
  shift
  hidden=$((hidden - 1))
done
mkdir -p "$seen/models" "$seen/scratch" "$socket"
mount -n -c --bind /proc/self/fd/7 "$seen/models"
mount -n -o remount,bind,ro "$seen/models"
mount -n -c --bind /proc/self/fd/8 "$seen/scratch"
mount -n -c --bind /proc/self/fd/9 "$socket"
exec 7<&- 8<&- 9<&-
cd "$seen/scratch"
umask 077
exec "$@"
`;

/**
 * Where a runner sees its cage. With namespaces it is beside its socket: a data directory in somebody's home could not be
 * reached by another user, whatever is mounted in it.
 */
export function seenFolderOf(level: IsolationLevel, cage: Cage): string {
  return level === 'namespaces' ? `${cage.socketFolder}-cage` : cage.folder;
}

/** The command line that runs a program in a cage at a level; `seenFolderOf` says where the program finds its models. */
export function confine(level: IsolationLevel, program: Program, cage: Cage, tools: ConfiningTools): CommandLine {
  const own = [program.command, ...program.arguments];
  switch (level) {
    case 'bubblewrap':
      return commandLine(['bwrap', ...bubblewrapArguments(program, cage), '--', ...own]);
    case 'namespaces': {
      // Without an own user, capabilities come from a user namespace in which we are root.
      const namespaces = [...namespaceFlags, ...(cage.uid === null ? ['--map-root-user'] : [])];
      const seen = seenFolderOf(level, cage);
      const hidden = [String(cage.hidden.length), ...cage.hidden];
      const folders = [modelsOf(cage), scratchOf(cage), cage.socketFolder, seen, ...hidden];
      const script = ['/bin/sh', '-c', namespaceScript, 'sh', ...folders];
      return commandLine([
        ...dieWithParent(tools),
        'unshare',
        ...namespaces,
        '--',
        ...script,
        ...asUser(cage.uid),
        ...own,
      ]);
    }
    case 'uid':
      return commandLine([...dieWithParent(tools), ...asUser(cage.uid), ...own]);
    case 'none':
      return commandLine([...dieWithParent(tools), ...own]);
  }
}

const namespaceFlags = '--net --mount --pid --ipc --uts --fork --kill-child=KILL --mount-proc'.split(' ');

/** Becomes a user (null: stays ours) without any capability, for good. */
function asUser(uid: number | null): readonly string[] {
  const user = uid === null ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  // A change of user forgets what the kernel should do when we end, so it is said again.
  return ['setpriv', '--pdeathsig=KILL', ...user, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'];
}

/** A runner that hangs in native code does not notice that its input closed; the kernel ends it with us. */
function dieWithParent(tools: ConfiningTools): readonly string[] {
  return tools.setpriv ? ['setpriv', '--pdeathsig=KILL', '--'] : [];
}

function bubblewrapArguments(program: Program, cage: Cage): readonly string[] {
  const readable = program.readable.filter((path) => !systemFolders.some((folder) => isWithin(path, folder)));
  const covered = cage.hidden.filter((path) => readable.some((folder) => isWithin(path, folder)));
  const [models, scratch] = [modelsOf(cage), scratchOf(cage)];
  return [
    ...'--unshare-all --die-with-parent --new-session --cap-drop ALL'.split(' '),
    ...'--proc /proc --dev /dev --tmpfs /tmp'.split(' '),
    ...systemFolders.flatMap((folder) => ['--ro-bind-try', folder, folder]),
    ...readable.flatMap((path) => ['--ro-bind', path, path]),
    ...covered.flatMap((path) => ['--tmpfs', path]),
    '--ro-bind',
    models,
    models,
    ...[scratch, cage.socketFolder].flatMap((path) => ['--bind', path, path]),
    '--chdir',
    scratch,
  ];
}

/** Where the runner finds its models, in the cage and outside. */
export function modelsOf(cage: Pick<Cage, 'folder'>): string {
  return `${cage.folder}/models`;
}

/** Its working directory, the one place where it may write. */
export function scratchOf(cage: Pick<Cage, 'folder'>): string {
  return `${cage.folder}/scratch`;
}

function commandLine([command = '', ...rest]: readonly string[]): CommandLine {
  return { command, arguments: rest };
}

/** Whether `path` is `folder` or lies in it; both absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Folders that a program's file needs to be readable: its outermost ancestor that holds packages, else its own folder. */
export function readableRootOf(file: string, holdsPackages: (folder: string) => boolean): string {
  let root = dirname(file);
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (holdsPackages(folder)) root = folder;
  return root;
}
