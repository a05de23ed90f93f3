import { readFileSync } from 'node:fs';
import type { IsolationLevel } from './confine.ts';

export interface IsolationFacts {
  readonly level: IsolationLevel;
  /** Whether each cage gets a user of its own. */
  readonly hasOwnUser: boolean;
  /** Whether Landlock can be set here. */
  readonly hasLandlock: boolean;
  /** What keeps namespaces from working, as something to do; undefined where it is not known. */
  readonly obstacle?: string | undefined;
}

/** What a level keeps from a runner, and what would be stronger: for people, in `status` and `doctor`. */
export function adviceFor(facts: IsolationFacts): string {
  return `Runners ${closedBy(facts)}${raising(facts)}`;
}

function closedBy({ level, hasOwnUser, hasLandlock }: IsolationFacts): string {
  switch (level) {
    case 'bubblewrap':
      return 'have no network and see only their own models.';
    case 'namespaces':
      if (hasOwnUser) return 'have no network, run as users of their own and do not see the data directory.';
      return `have no network and do not see the data directory; ${hasLandlock ? 'those of ONNX models' : 'they'} can read your other files.`;
    case 'uid':
      return `run as users of their own and cannot read the data directory, but can use the network${hasLandlock ? ' (those of Python models only UDP)' : ''}.`;
    case 'landlock':
      return 'reach no files but their own and no TCP, but can use UDP and the sockets of other runners.';
    case 'none':
      return 'can do what you can do: serve only models that you trust.';
  }
}

function raising({ level, obstacle }: IsolationFacts): string {
  const orAllow = obstacle ?? 'allow user namespaces';
  switch (level) {
    case 'bubblewrap':
      return '';
    case 'namespaces':
      return ' Install bubblewrap to hide the rest of the file system too.';
    case 'uid':
    case 'landlock':
      return ` Install bubblewrap, or ${orAllow}, to close that.`;
    case 'none':
      return ` Install bubblewrap, or ${orAllow}, to cage them.`;
  }
}

/** Settings of kernels that refuse namespaces to whoever is not root. */
const switches = [
  ['/proc/sys/user/max_user_namespaces', '0', 'set user.max_user_namespaces (sysctl), which is 0'],
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'set kernel.unprivileged_userns_clone=1 (sysctl)'],
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'set kernel.apparmor_restrict_unprivileged_userns=0 (sysctl)',
  ],
] as const;

/** What to change so that this machine allows namespaces to everybody; undefined where nothing that is known forbids them. */
export function namespaceObstacle(read: (file: string) => string = readSetting): string | undefined {
  return switches.find(([file, forbids]) => read(file) === forbids)?.[2];
}

function readSetting(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
