import { Worker } from 'node:worker_threads';

/**
 * Calls back when standard input closes, which is how a runner learns that its parent is gone.
 *
 * A thread of its own watches, because a run blocks the main one: if that does not end the process within
 * `graceMs`, the thread does. Standard input that is no pipe (a terminal, `/dev/null`) has no parent behind it.
 */
export function watchParent(graceMs: number, onGone: () => void): void {
  const file = import.meta.url.endsWith('.ts') ? './parent-watcher.ts' : './parent-watcher.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { graceMs },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  });
  worker.once('message', onGone);
  worker.unref();
}
