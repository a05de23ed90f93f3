import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { toMusterError, toProblem } from '@muster-ml/protocol';
import { ReplicaLink } from './replica-link.ts';
import { scoreTable } from './score-table.ts';
import type { ScoreTask, WorkMessage } from './task.ts';

// The thread that scores one table and ends. It reads and writes synchronously where that is faster: it is alone here.

const task = workerData as ScoreTask;
const tell = (message: WorkMessage): void => parentPort?.postMessage(message);

stepBack();

const link = new ReplicaLink(task);
try {
  await scoreTable(task, {
    infer: async (inputs, outputs) => await link.infer(inputs, outputs),
    tell,
    now: Date.now,
  });
} catch (error) {
  tell({ kind: 'failed', problem: toProblem(toMusterError(error)) });
} finally {
  link.close();
}

/**
 * Puts this thread behind what answers callers, by the same means as its runner (runners/limits.ts says why it is that one).
 * Where it can't be had, it is as important as the others.
 */
function stepBack(): void {
  try {
    // On Linux 0 is this thread: the rest of control keeps its place before those who score.
    setPriority(0, constants.priority.PRIORITY_LOW);
  } catch {
    // A system where it may not.
  }
}
