import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How long a process may take to end by itself. */
const graceMs = 60_000;

const running = new Set<ChildProcess>();

/**
 * Sees to it that a child ends when this process does, and gives a function that ends it now: asks with SIGTERM, and
 * kills what does not follow. Children end by themselves when they are the parents of others (the supervisor of its own).
 */
export function keepTrack(child: ChildProcess): () => Promise<void> {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  };
}

/** Ends what still runs when this process ends, by a signal, an error or its end. To be called once, by the main program. */
export function endChildrenWithThisProcess(): void {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGTERM');
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
}
