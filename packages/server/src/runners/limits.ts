import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { MusterError } from '@muster-ml/protocol';
import type { ConfiningTools, KernelLimits } from './confine.ts';
import type { Isolation } from './isolation.ts';

/**
 * Words before a runner's command that keep it within its CPU limit: it is pinned to that many cores. A part of a core cannot
 * be enforced like this. Throws `limit_not_enforceable` rather than accept a limit that has no effect.
 * `spread` (any number) chooses which cores, so that runners do not all share the first.
 */
export function cpuLimitWords(
  cpu: number | undefined,
  spread: number,
  tools: ConfiningTools,
  cores: readonly number[] = allowedCores(),
): readonly string[] {
  if (cpu === undefined || cpu >= cores.length) return [];
  if (!Number.isInteger(cpu)) {
    throw new MusterError(
      'limit_not_enforceable',
      `resources.cpu is ${cpu}, and here runners are limited to whole cores`,
      {
        place: 'resources.cpu',
        remedy: `Set ${Math.ceil(cpu)}, or leave it out.`,
      },
    );
  }
  if (!tools.taskset) {
    throw new MusterError(
      'limit_not_enforceable',
      `resources.cpu is ${cpu}, and taskset of util-linux, which enforces it, is not installed`,
      { place: 'resources.cpu' },
    );
  }
  const first = spread % cores.length;
  const mine = Array.from({ length: cpu }, (_, index) => cores[(first + index) % cores.length]);
  return ['taskset', '--cpu-list', mine.join(',')];
}

/**
 * Words before a command that put it behind what answers callers. Niceness and not SCHED_IDLE: in runs in turns, the p99 of
 * predictions beside a job was 2.3 times that alone with it and 1.7 without, probably because Linux takes a processor with
 * such work for a free one and sends there what wakes.
 */
export const backgroundWords: readonly string[] = ['nice', '-n', '19'];

const openFiles = 1024;
/** Threads and processes of a cage: libraries take a few a core, and a fork bomb ends here. */
export const mostTasks = 256;
/**
 * What a program maps and what it uses differ: threads map stacks, and libraries room to work in. So the kernel refuses
 * at once what could never fit, and who watches the resident memory does the rest.
 */
const mappedBytesBesides = 2 * 1024 ** 3;

/** What the kernel holds a Python program to. */
export function pythonLimits(limit: {
  readonly memoryBytes: number;
  readonly scratchBytes: number;
  readonly isolation: Pick<Isolation, 'level'>;
  readonly uid: number | null;
}): KernelLimits {
  const { level } = limit.isolation;
  // Tasks are counted by user: only of one that has nothing else here, or within a user namespace.
  const isCounted = limit.uid !== null || level === 'bubblewrap' || level === 'namespaces';
  return {
    core: 0,
    nofile: openFiles,
    fsize: limit.scratchBytes,
    data: 2 * limit.memoryBytes + mappedBytesBesides,
    ...(isCounted ? { nproc: mostTasks } : {}),
  };
}

const mostPythonMemoryBytes = 4 * 1024 ** 3;

/** Most memory of a Python runner that sets no resources, where nothing is configured: 4 GiB, at most half of the machine. */
export function defaultPythonMemoryBytes(machineBytes: number = totalmem()): number {
  return Math.min(mostPythonMemoryBytes, Math.floor(machineBytes / 2));
}

/** Cores that this process may use; a container or a service is often given a part of them. */
export function allowedCores(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(textOf('/proc/self/status'))?.[1];
  if (list === undefined) return Array.from({ length: availableParallelism() }, (_, index) => index);
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
