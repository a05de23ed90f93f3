import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

const closeTimeoutMs = 5_000;

/** The thread that checkpoints a SQLite file (checkpoint-worker.ts). */
export class Checkpointer {
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #isClosing = false;

  /** `onFailure` is told of an I/O error: what the file holds is then not known. */
  constructor(file: string, onFailure: (reason: Error) => void) {
    // The same extension as this file: .ts from the sources, .js from the package.
    const program = new URL(`./checkpoint-worker${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(program, { workerData: { file }, name: 'muster-checkpoint' });
    this.#worker.unref();
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => resolve());
    });
    this.#worker.on('message', (message: { readonly failed?: string; readonly closed?: boolean }) => {
      if (message.failed !== undefined) onFailure(new Error(`checkpoint: ${message.failed}`));
      if (message.closed === true) void this.#worker.terminate();
    });
    this.#worker.on('error', (error) => {
      if (!this.#isClosing) onFailure(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** Ends the thread and its connection. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#worker.ref();
    this.#worker.postMessage('close');
    const timer = setTimeout(() => void this.#worker.terminate(), closeTimeoutMs);
    await this.#ended;
    clearTimeout(timer);
  }
}
