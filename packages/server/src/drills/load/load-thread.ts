import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { fromProblem } from '@muster-ml/protocol';
import type { LoadFound, LoadMessage, LoadNow, LoadOrder, LoadTask } from './load-task.ts';

/** An endpoint under load. */
export interface Load {
  /** Resolves when it has begun. Throws what keeps it from it. */
  readonly begun: Promise<void>;
  readonly done: Promise<LoadFound>;
  now(): LoadNow;
  /** Lets an open-ended load end, after its least time. */
  end(): void;
}

/** Starts load in a thread of its own; the signal ends it at once, and `done` then throws the signal's reason. */
export type StartLoad = (task: LoadTask, signal: AbortSignal) => Load;

const noneYet: LoadNow = { requests: 0, answered: 0, failed: 0, byVersion: {} };

/** `StartLoad` as it is outside of tests. */
export const startLoad: StartLoad = (task, signal) => {
  // The same extension as this file: .ts from the sources, .js from the package.
  const program = new URL(`./load-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(program, { workerData: task, name: 'muster-load' });
  const begun = Promise.withResolvers<void>();
  const done = Promise.withResolvers<LoadFound>();
  let now = noneYet;
  const fail = (error: unknown): void => {
    begun.reject(error);
    done.reject(error);
  };
  const abort = (): void => fail(signal.reason);
  worker.on('message', (message: LoadMessage) => {
    switch (message.kind) {
      case 'begun':
        return begun.resolve();
      case 'now':
        now = message.now;
        return undefined;
      case 'done':
        return done.resolve(message.found);
      case 'failed':
        return fail(fromProblem(message.problem));
    }
  });
  worker.once('error', fail);
  worker.once('exit', () => fail(new Error('the thread that makes load ended without an answer')));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  // Whoever looks at one of the two hears of it; the other must not count as unhandled.
  begun.promise.catch(() => {});
  done.promise
    .catch(() => {})
    .finally(() => {
      signal.removeEventListener('abort', abort);
      void worker.terminate();
    });
  return {
    begun: begun.promise,
    done: done.promise,
    now: () => now,
    end: () => worker.postMessage({ kind: 'end' } satisfies LoadOrder),
  };
};
