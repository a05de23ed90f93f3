import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { fromProblem } from '@muster-ml/protocol';
import type { ScoreTask, WorkMessage } from './work/task.ts';

/** Memory for objects of the thread; what it takes from tables and runners lies outside of it. */
const maxHeapMegabytes = 2048;

export type WorkDone = Extract<WorkMessage, { kind: 'done' }>;

/**
 * Scores a table in a thread of its own. `hear` gets what it says while it works, one after the other; the answer is how
 * it ended. Throws what made it fail, and the signal's reason once the thread is gone.
 */
export async function scoreInThread(
  task: ScoreTask,
  hear: (message: Exclude<WorkMessage, { kind: 'done' | 'failed' }>) => Promise<void>,
  signal: AbortSignal,
): Promise<WorkDone> {
  signal.throwIfAborted();
  // The same extension as this file: .ts from the sources, .js from the package.
  const program = new URL(`./work/score-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(program, {
    workerData: task,
    name: 'muster-score',
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
  });
  const end = Promise.withResolvers<WorkDone>();
  let heard: Promise<void> = Promise.resolve();
  worker.on('message', (message: WorkMessage) => {
    heard = heard.then(async () => {
      if (message.kind === 'done') end.resolve(message);
      else if (message.kind === 'failed') end.reject(fromProblem(message.problem));
      else await hear(message);
    });
    heard.catch(end.reject);
  });
  worker.once('error', end.reject);
  worker.once(
    'exit',
    () => void heard.then(() => end.reject(new Error('the thread that scores ended without an answer'))),
  );
  const abort = (): void => end.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await end.promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
    await heard.catch(() => {});
  }
}
