import { readFileSync, readdirSync, statSync } from 'node:fs';

/**
 * Users that nobody has: above those of people, below those that systemd hands out to services for a while; its list of
 * ranges calls them unused. A user of ours must be nobody else's, because all that it runs is ended with its cage.
 */
const range = { first: 60_578, last: 61_183 };

/** Each Muster on a machine takes a block. */
const blockSize = 100;

/** The first user of a block in which nobody is known and nothing runs; null where there is none. */
export function freeUserBlock(
  taken: ReadonlySet<number> = takenUsers(),
  random: () => number = Math.random,
): number | null {
  const count = Math.floor((range.last - range.first + 1) / blockSize);
  const firsts = Array.from({ length: count }, (_, index) => range.first + index * blockSize);
  const free = firsts.filter((first) => !hasAny(taken, first));
  // By chance, so that two that start at the same moment hardly take the same.
  return free[Math.floor(random() * free.length)] ?? null;
}

function hasAny(taken: ReadonlySet<number>, first: number): boolean {
  for (let uid = first; uid < first + blockSize; uid += 1) if (taken.has(uid)) return true;
  return false;
}

/** Users with a name, and those of running processes. */
function takenUsers(): ReadonlySet<number> {
  const named = textOf('/etc/passwd')
    .split('\n')
    .map((line) => Number(line.split(':')[2]));
  return new Set([...named, ...processes().flatMap(ownerOf)]);
}

function processes(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return []; // not on every system
  }
}

function ownerOf(pid: string): readonly number[] {
  try {
    return [statSync(`/proc/${pid}`).uid];
  } catch {
    return []; // it has ended
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
