import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How strongly a runner is caged, the strongest first. */
export const isolationLevels = ['bubblewrap', 'namespaces', 'uid', 'landlock', 'none'] as const;

export type IsolationLevel = (typeof isolationLevels)[number];

/** A program and what it needs to read in order to run. */
export interface Program {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Folders and files of the program itself: Node, its packages. */
  readonly readable: readonly string[];
  /**
   * Of a program that runs models which are code: the interpreter that closes the cage from within (Landlock, limits of the
   * kernel) before any of that code runs. The rest of the file system is hidden from it as far as the level can.
   */
  readonly python?: string | undefined;
}

/** Limits that the kernel holds, by the name that `setrlimit` knows them by; for programs with `python`. */
export type KernelLimits = Readonly<Partial<Record<'nofile' | 'nproc' | 'fsize' | 'data' | 'core' | 'cpu', number>>>;

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
  readonly limits?: KernelLimits | undefined;
  /** Folders that it may write to besides its scratch folder, seen where they are: a build and what it makes. */
  readonly writable?: readonly string[] | undefined;
}

/** Tools of the machine that were found. */
export interface ConfiningTools {
  readonly bwrap: boolean;
  readonly unshare: boolean;
  readonly setpriv: boolean;
  readonly taskset: boolean;
  /** An interpreter that can set Landlock, and the version that the kernel has; null where one of them is missing. */
  readonly landlock: { readonly python: string; readonly abi: number } | null;
}

export interface CommandLine {
  readonly command: string;
  readonly arguments: readonly string[];
}

/** What every program of the machine needs to run. */
export const systemFolders = [
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

/** What only people and other programs use: hidden from models that are code, where the level can hide at all. */
const privateFolders = ['/root', '/home', '/tmp', '/var/tmp', '/run', '/mnt', '/media'];

/**
 * Runs as process 1 of new namespaces: takes hold of the cage and of what is shown, covers what is hidden with empty file
 * systems, puts the cage where the runner sees it, and gives up every capability before the program begins.
 * Arguments: models, scratch, socket folder, where the cage is seen, `ro` or `rw` for the kernel's settings, the number of
 * words that say what is hidden and shown, those words, then the command.
 */
const namespaceScript = `
set -e
umask 022
socket=$3 seen=$4 settings=$5 words=$6
exec 7<"$1" 8<"$2" 9<"$3"
if [ "$words" -gt 0 ]; then
  mount -n -t tmpfs -o mode=755,size=64k muster "$2"
  exec 6<"$2"
fi
shift 6
at=0
for word in "$@"; do
  if [ "$at" -ge "$words" ]; then break; fi
  if [ $((at % 2)) = 0 ]; then kind=$word; elif [ "$kind" != hide ]; then
    if [ -d "$word" ]; then mkdir "/proc/self/fd/6/$at"; else : > "/proc/self/fd/6/$at"; fi
    mount -n -c --bind "$word" "/proc/self/fd/6/$at"
  fi
  at=$((at + 1))
done
at=1
while [ "$at" -lt "$words" ]; do
  if [ "$1" = hide ]; then
    if [ -d "$2" ]; then mount -n -t tmpfs -o mode=755,size=64k muster "$2"; fi
  else
    if [ -d "/proc/self/fd/6/$at" ]; then mkdir -p "$2"; else mkdir -p "\${2%/*}"; [ -e "$2" ] || : > "$2"; fi
    mount -n -c --bind "/proc/self/fd/6/$at" "$2"
    if [ "$1" = show ]; then mount -n -o remount,bind,ro "$2"; fi
  fi
  shift 2
  at=$((at + 2))
done
mkdir -p "$seen/models" "$seen/scratch" "$socket"
mount -n -c --bind /proc/self/fd/7 "$seen/models"
mount -n -o remount,bind,ro "$seen/models"
mount -n -c --bind /proc/self/fd/8 "$seen/scratch"
mount -n -c --bind /proc/self/fd/9 "$socket"
if [ -d /dev/shm ]; then mount -n -c --bind /proc/self/fd/8 /dev/shm; fi
if [ "$settings" = ro ]; then mount -n --bind /proc/sys /proc/sys; mount -n -o remount,bind,ro /proc/sys; fi
exec 6<&- 7<&- 8<&- 9<&-
cd "$seen/scratch"
umask 077
exec "$@"
`;

/**
 * Where a runner sees its cage. With namespaces it is beside its socket: a data directory in somebody's home could not be
 * reached by another user, whatever is mounted in it.
 */
export function seenFolderOf(level: IsolationLevel, cage: Pick<Cage, 'folder' | 'socketFolder'>): string {
  return level === 'namespaces' ? `${cage.socketFolder}-cage` : cage.folder;
}

/** The command line that runs a program in a cage at a level; `seenFolderOf` says where the program finds its models. */
export function confine(level: IsolationLevel, program: Program, cage: Cage, tools: ConfiningTools): CommandLine {
  const own = [...closeFromWithin(level, program, cage, tools), program.command, ...program.arguments];
  switch (level) {
    case 'bubblewrap':
      return commandLine(['bwrap', ...bubblewrapArguments(program, cage), '--', ...own]);
    case 'namespaces': {
      // Without an own user, capabilities come from a user namespace in which we are root.
      const namespaces = [...namespaceWords, ...(cage.uid === null ? ['--map-root-user'] : [])];
      const seen = seenFolderOf(level, cage);
      const view = viewOf(program, cage).flatMap(({ kind, path }) => [kind, path]);
      const settings = cage.uid === null ? 'ro' : 'rw';
      const folders = [modelsOf(cage), scratchOf(cage), cage.socketFolder, seen, settings, String(view.length)];
      const script = ['/bin/sh', '-c', namespaceScript, 'sh', ...folders, ...view];
      return commandLine([...dieWithParent(tools), ...namespaces, '--', ...script, ...asUser(cage.uid), ...own]);
    }
    case 'uid':
      return commandLine([...dieWithParent(tools), ...asUser(cage.uid), ...own]);
    case 'landlock':
    case 'none':
      return commandLine([...dieWithParent(tools), ...own]);
  }
}

/** Words before a program that let Python close the cage from within; none where no Python is at hand or needed. */
function closeFromWithin(
  level: IsolationLevel,
  program: Program,
  cage: Cage,
  tools: ConfiningTools,
): readonly string[] {
  const python = program.python ?? (level === 'landlock' ? tools.landlock?.python : undefined);
  if (python === undefined) return [];
  const seen = { folder: seenFolderOf(level, cage) };
  const isApart = level === 'bubblewrap' || level === 'namespaces';
  const wish = {
    // Who wished for no cage gets none.
    landlock: level === 'none' ? 'no' : level === 'landlock' ? 'must' : 'may',
    read: [...program.readable, modelsOf(seen), ...(isApart ? ['/proc'] : [])],
    write: [scratchOf(seen), cage.socketFolder, ...(cage.writable ?? []), ...(isApart ? ['/dev/shm'] : [])],
    limits: cage.limits ?? {},
    // With namespaces, what loses its parent ends with them; elsewhere it stays where it can be found.
    adopts: !isApart,
  };
  return [python, '-I', '-S', confinementFile(), JSON.stringify(wish), '--'];
}

/** The program that closes a cage from within. */
export function confinementFile(): string {
  const program = fileURLToPath(import.meta.resolve('@muster-ml/runtime-python/program'));
  return join(dirname(program), 'muster_runtime/confine.py');
}

/** Words that give a program namespaces of its own; what it starts ends with it. */
export const namespaceWords = 'unshare --net --mount --pid --ipc --uts --fork --kill-child=KILL --mount-proc'.split(
  ' ',
);

/** Words that make a program a user (null: it stays ours) without any capability, for good. */
export function asUser(uid: number | null): readonly string[] {
  const user = uid === null ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  // A change of user forgets what the kernel should do when we end, so it is said again.
  return ['setpriv', '--pdeathsig=KILL', ...user, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'];
}

/** A runner that hangs in native code does not notice that its input closed; the kernel ends it with us. */
export function dieWithParent(tools: Pick<ConfiningTools, 'setpriv'>): readonly string[] {
  return tools.setpriv ? ['setpriv', '--pdeathsig=KILL', '--'] : [];
}

interface ViewStep {
  readonly kind: 'hide' | 'show' | 'open';
  readonly path: string;
}

/**
 * What is hidden, and what of it is shown again (read-only, or `open`), outer folders first. What lies in no hidden folder
 * needs no step.
 */
function viewOf(program: Program, cage: Cage): readonly ViewStep[] {
  const readable = byAllNames(program.readable);
  const hidden = byAllNames([
    ...cage.hidden,
    ...(program.python === undefined ? [] : privateFolders),
    // Another user does not get through somebody's private folder, but to what is shown in an empty one at its place.
    ...(cage.uid === null ? [] : readable.flatMap((path) => firstClosedFolder(path))),
  ]);
  const isHidden = (path: string): boolean => hidden.some((folder) => isWithin(path, folder));
  return inOrder([
    ...hidden.map((path): ViewStep => ({ kind: 'hide', path })),
    ...readable.filter((path) => isHidden(path) && existsSync(path)).map((path): ViewStep => ({ kind: 'show', path })),
    ...(cage.writable ?? []).filter(isHidden).map((path): ViewStep => ({ kind: 'open', path })),
  ]);
}

/** Paths, and what they are without symbolic links: what is covered by one name must not be found by the other. */
function byAllNames(paths: readonly string[]): readonly string[] {
  const real = (path: string): string => {
    try {
      return realpathSync(path);
    } catch {
      return path;
    }
  };
  return [...new Set(paths.flatMap((path) => [path, real(path)]))];
}

/** Outer folders before what they hold; of one path, hidden before shown. */
function inOrder(steps: readonly ViewStep[]): readonly ViewStep[] {
  const rank = { hide: 0, show: 1, open: 2 };
  return steps.toSorted((a, b) => a.path.length - b.path.length || rank[a.kind] - rank[b.kind]);
}

/** The outermost folder above a path that others may not pass through; none where they reach it. */
export function firstClosedFolder(path: string): readonly string[] {
  const parts = dirname(path).split(sep);
  for (let count = 2; count <= parts.length; count += 1) {
    const folder = parts.slice(0, count).join(sep);
    const mode = statSync(folder, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o001) === 0) return [folder];
  }
  return [];
}

function bubblewrapArguments(program: Program, cage: Cage): readonly string[] {
  const shown = [...program.readable, ...(cage.writable ?? [])];
  const steps: ViewStep[] = [
    ...program.readable
      .filter((path) => !systemFolders.some((folder) => isWithin(path, folder)))
      .map((path): ViewStep => ({ kind: 'show', path })),
    ...cage.hidden
      .filter((path) => shown.some((folder) => isWithin(path, folder)))
      .map((path): ViewStep => ({ kind: 'hide', path })),
    ...(cage.writable ?? []).map((path): ViewStep => ({ kind: 'open', path })),
  ];
  const word = { hide: '--tmpfs', show: '--ro-bind', open: '--bind' };
  const [models, scratch] = [modelsOf(cage), scratchOf(cage)];
  return [
    ...'--unshare-all --die-with-parent --new-session --cap-drop ALL'.split(' '),
    ...'--proc /proc --dev /dev --tmpfs /tmp'.split(' '),
    ...systemFolders.flatMap((folder) => ['--ro-bind-try', folder, folder]),
    ...inOrder(steps).flatMap(({ kind, path }) => (kind === 'hide' ? [word.hide, path] : [word[kind], path, path])),
    '--ro-bind',
    models,
    models,
    ...[scratch, cage.socketFolder].flatMap((path) => ['--bind', path, path]),
    // Files in memory count for nobody: what wants some gets them where they are counted.
    '--bind',
    scratch,
    '/dev/shm',
    ...['/dev', '/tmp', '/'].flatMap((path) => ['--remount-ro', path]),
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
