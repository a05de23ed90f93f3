import { readFile, readdir } from 'node:fs/promises';

/** A process and all that it started, at this moment. Reads /proc, so Linux only. */
export async function processTree(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The name in parentheses may hold anything; the parent is the second field after it.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent > 0) parents.set(Number(name), parent);
  }
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

/** Proportional set size: memory that several processes share counts as a part in each. Processes that have ended count nothing. */
export async function pssBytesOf(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => kibibytes(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''), 'Pss')),
  );
  return sizes.reduce((sum, size) => sum + size, 0) * 1024;
}

/** Resident set size of one process. */
export async function rssBytesOf(pid: number): Promise<number> {
  return kibibytes(await readFile(`/proc/${pid}/status`, 'utf8'), 'VmRSS') * 1024;
}

/** CPU time that a process has taken so far, user and system together. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

/** Linux counts in hundredths of a second on every machine that Node runs on. */
const ticksPerSecond = 100;

/** The command line, to tell the processes of a tree apart. */
export async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
}

function kibibytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}
