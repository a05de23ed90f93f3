import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { MusterError } from '@muster-ml/protocol';
import type { ConfiningTools } from './confine.ts';

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
