import { readFileSync, readdirSync } from 'node:fs';

/** What a process, and everything that it started, uses. */
export interface ProcessUsage {
  /** Resident bytes; shared pages count in each process. */
  readonly rssBytes: number;
  /** Microseconds of CPU of the processes that live now. */
  readonly cpuMicros: number;
}

/** All processes of the machine at one moment. */
export interface ProcessTable {
  /** Null for a process that does not exist, and on systems without /proc. */
  usageOf(pid: number): ProcessUsage | null;
  /** Resident bytes of the process alone. */
  rssOf(pid: number): number | null;
  /** The process and its descendants. */
  treeOf(pid: number): readonly number[];
}

interface Row {
  readonly parent: number;
  readonly rssBytes: number;
  readonly cpuMicros: number;
}

const pageBytes = 4096;
/** USER_HZ, 100 on every Linux that Node runs on. */
const tickMicros = 10_000;

/** Reads /proc once, about 30 µs a process; on systems without it the table is empty. */
export function readProcessTable(): ProcessTable {
  const rows = new Map<number, Row>();
  const children = new Map<number, number[]>();
  for (const name of entriesOf('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const row = parseStat(textOf(`/proc/${name}/stat`));
    if (row === undefined) continue;
    rows.set(pid, row);
    const siblings = children.get(row.parent);
    if (siblings === undefined) children.set(row.parent, [pid]);
    else siblings.push(pid);
  }
  const treeOf = (pid: number): number[] => {
    const found = rows.has(pid) ? [pid] : [];
    for (let index = 0; index < found.length; index += 1) found.push(...(children.get(found[index] ?? 0) ?? []));
    return found;
  };
  return {
    treeOf,
    rssOf: (pid) => rows.get(pid)?.rssBytes ?? null,
    usageOf: (pid) => {
      const tree = treeOf(pid).map((each) => rows.get(each));
      if (tree.length === 0) return null;
      return {
        rssBytes: tree.reduce((sum, row) => sum + (row?.rssBytes ?? 0), 0),
        cpuMicros: tree.reduce((sum, row) => sum + (row?.cpuMicros ?? 0), 0),
      };
    },
  };
}

/** Proportional set size of one process: shared pages divided among those who share them. Slow (milliseconds); null where it cannot be read. */
export function readPssBytes(pid: number): number | null {
  const match = /^Pss:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/smaps_rollup`));
  return match === null ? null : Number(match[1]) * 1024;
}

/** One line of /proc/PID/stat. The name in parentheses may hold anything, so the fields are counted from its last parenthesis. */
function parseStat(line: string): Row | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 22) return undefined;
  return {
    parent: Number(fields[1]),
    cpuMicros: (Number(fields[11]) + Number(fields[12])) * tickMicros,
    rssBytes: Number(fields[21]) * pageBytes,
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
