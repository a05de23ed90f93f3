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

const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/etc/ld.so.cache', '/etc/localtime', '/etc/alternatives'];

/**
 * Runs as process 1 of new namespaces: takes hold of the cage, covers what is hidden with empty file systems, puts the cage
 * back in its place, and gives up every capability before the program begins.
 * Arguments: models, scratch, socket folder, number of hidden folders, those, then the command.
 */
const namespaceScript = `
set -e
umask 022
models=$1 scratch=$2 socket=$3 hidden=$4
shift 4
exec 7<"$models" 8<"$scratch" 9<"$socket"
while [ "$hidden" -gt 0 ]; do
  if [ -d "$1" ]; then mount -n -t tmpfs -o mode=755,size=64k muster "$1"; fi
  shift
  hidden=$((hidden - 1))
done
mkdir -p "$models" "$scratch" "$socket"
mount -n -c --bind /proc/self/fd/7 "$models"
mount -n -o remount,bind,ro "$models"
mount -n -c --bind /proc/self/fd/8 "$scratch"
mount -n -c --bind /proc/self/fd/9 "$socket"
exec 7<&- 8<&- 9<&-
cd "$scratch"
umask 077
exec "$@"
`;

/** The command line that runs a program in a cage at a level. The program's own arguments see the same paths at every level. */
export function confine(level: IsolationLevel, program: Program, cage: Cage, tools: ConfiningTools): CommandLine {
  const models = `${cage.folder}/models`;
  const scratch = `${cage.folder}/scratch`;
  const own = [program.command, ...program.arguments];
  switch (level) {
    case 'bubblewrap':
      return commandLine(['bwrap', ...bubblewrapArguments(program, cage, models, scratch), '--', ...own]);
    case 'namespaces': {
      const asUser = cage.uid === null ? [] : [`--reuid=${cage.uid}`, `--regid=${cage.uid}`, '--clear-groups'];
      return commandLine([
        ...dieWithParent(tools),
        ...['unshare', '--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL', '--mount-proc'],
        // Without an own user, capabilities come from a user namespace in which we are root.
        ...(cage.uid === null ? ['--map-root-user'] : []),
        ...['--', '/bin/sh', '-c', namespaceScript, 'sh', models, scratch, cage.socketFolder, String(cage.hidden.length), ...cage.hidden],
        ...['setpriv', ...asUser, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--', ...own],
      ]);
    }
    case 'uid':
      return commandLine(['setpriv', '--pdeathsig=KILL', `--reuid=${cage.uid}`, `--regid=${cage.uid}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--', ...own]);
    case 'none':
      return commandLine([...dieWithParent(tools), ...own]);
  }
}

/** A runner that hangs in native code does not notice that its input closed; the kernel ends it with us. */
function dieWithParent(tools: ConfiningTools): readonly string[] {
  return tools.setpriv ? ['setpriv', '--pdeathsig=KILL', '--'] : [];
}

function bubblewrapArguments(program: Program, cage: Cage, models: string, scratch: string): readonly string[] {
  const readable = program.readable.filter((path) => !systemFolders.some((folder) => isWithin(path, folder)));
  const covered = cage.hidden.filter((path) => readable.some((folder) => isWithin(path, folder)));
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...systemFolders.flatMap((folder) => ['--ro-bind-try', folder, folder]),
    ...readable.flatMap((path) => ['--ro-bind', path, path]),
    ...covered.flatMap((path) => ['--tmpfs', path]),
    ...['--ro-bind', models, models, '--bind', scratch, scratch, '--bind', cage.socketFolder, cage.socketFolder, '--chdir', scratch],
  ];
}

function commandLine(words: readonly string[]): CommandLine {
  const [command = '', ...rest] = words;
  return { command, arguments: rest };
}

/** Whether `path` is `folder` or lies in it; both absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Folders that a program's file needs to be readable: its outermost ancestor that holds packages, else its own folder. */
export function readableRootOf(file: string, holdsPackages: (folder: string) => boolean): string {
  let root = dirname(file);
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) if (holdsPackages(folder)) root = folder;
  return root;
}
