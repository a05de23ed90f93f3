import { readFileSync } from 'node:fs';

/** The processes that a runner has started, remembered so that they can be ended when nothing leads to them any more. */
export interface ProcessFamily {
  remember(pids: readonly number[]): void;
  /** Kills those that still are who they were: a number may belong to somebody else by now. */
  end(): void;
}

export function createProcessFamily(startOf: (pid: number) => string | undefined = startTimeOf): ProcessFamily {
  const starts = new Map<number, string>();
  return {
    remember(pids) {
      for (const pid of starts.keys()) if (!pids.includes(pid) && startOf(pid) !== starts.get(pid)) starts.delete(pid);
      for (const pid of pids) {
        const start = startOf(pid);
        if (start !== undefined) starts.set(pid, start);
      }
    },
    end() {
      for (const [pid, start] of starts) {
        if (startOf(pid) !== start) continue;
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has just ended, or is not ours.
        }
      }
      starts.clear();
    },
  };
}

/** When a process was started, in ticks since the boot: with its number it names one process. */
function startTimeOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
}
