import { readFile } from 'node:fs/promises';

/**
 * Proportional set size of a process in bytes: its own memory, and its share of what it has in common with others.
 * Rejects where the process is gone.
 */
export async function proportionalBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = /^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/smaps_rollup names no Pss`);
  return Number(kib) * 1024;
}
