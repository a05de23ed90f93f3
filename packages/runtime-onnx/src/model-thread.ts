import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { elementTypeOfNumber } from './datatype.ts';
import { pictureDimensions } from './memory-plans.ts';
import type { ModelSession } from './model-session.ts';
import type { ModelThreadAnswer, ModelThreadQuestion, OpenedSession, SentTensor } from './model-thread-messages.ts';
import type { ModelOutline, ValueType } from './outline.ts';

/** From this size on a row is worth the way to another thread (some 0.1 ms), and buffers are given away instead of copied. */
const largeBytes = 64 * 1024;

/**
 * Whether a model is run in a thread of its own. A run blocks its thread: large requests that come in meanwhile, longer than
 * a socket's buffer, would be read only after it. So where an input has large rows, or takes pictures of any size; and only
 * numbers, which travel as they are. Inputs are judged one by one: small ones are copied.
 */
export function belongsInThread({ inputs, outputs }: Pick<ModelOutline, 'inputs' | 'outputs'>): boolean {
  return (
    [...inputs, ...outputs].every(({ type }) => isNumeric(type)) &&
    inputs.some(({ type }) => {
      if (type.kind !== 'tensor' || type.shape === undefined) return false;
      const [, ...row] = type.shape;
      if (row.some((size) => size < 0)) return type.shape.length >= pictureDimensions;
      const bits = elementTypeOfNumber(type.element)?.bits ?? 0;
      return (row.reduce((product, size) => product * size, 1) * bits) / 8 >= largeBytes;
    })
  );
}

function isNumeric(type: ValueType): boolean {
  if (type.kind !== 'tensor') return false;
  const datatype = elementTypeOfNumber(type.element)?.datatype;
  return datatype !== undefined && datatype !== 'BYTES';
}

type Question = ModelThreadQuestion extends infer Q
  ? Q extends ModelThreadQuestion
    ? Omit<Q, 'question'>
    : never
  : never;

interface Waiting {
  readonly resolve: (answer: ModelThreadAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The one thread of a runner for such models: there while it holds any. Some 25 MB of the memory that the first of them is
 * measured with are the thread's.
 */
class ModelThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onEnd: () => void;
  #questions = 0;
  #sessions = 0;
  #isEnding = false;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    // The same extension as this file: .ts from the sources, .js from the package.
    const program = new URL(`./model-thread-program${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(program, { name: 'muster-models' });
    this.#worker.on('message', (answer: ModelThreadAnswer) => this.#hear(answer));
    this.#worker.once('error', (error: Error) => this.#lost(error));
    this.#worker.once('exit', () => this.#lost(new Error('the thread of the models ended')));
  }

  async open(source: string | Uint8Array, options: InferenceSession.SessionOptions): Promise<ModelSession> {
    this.#sessions += 1;
    try {
      const answer = await this.#ask({ kind: 'open', source, options });
      if (answer.kind !== 'opened') throw unexpected(answer);
      return this.#session(answer.question, answer.ports);
    } catch (error) {
      await this.#left();
      throw error;
    }
  }

  #session(session: number, ports: OpenedSession): ModelSession {
    return {
      ...ports,
      run: async (feeds, outputs) => {
        const [sent, given] = packed(feeds);
        const answer = await this.#ask({ kind: 'run', session, feeds: sent, outputs }, given);
        if (answer.kind !== 'ran') throw unexpected(answer);
        const { outputs: results, runMicros } = answer.result;
        return { outputs: results as unknown as InferenceSession.ReturnType, runMicros };
      },
      release: async () => {
        try {
          await this.#ask({ kind: 'release', session });
        } finally {
          await this.#left();
        }
      },
    };
  }

  async #ask(question: Question, given: readonly ArrayBuffer[] = []): Promise<ModelThreadAnswer> {
    const number = ++this.#questions;
    const { promise, resolve, reject } = Promise.withResolvers<ModelThreadAnswer>();
    this.#worker.postMessage({ ...question, question: number } satisfies ModelThreadQuestion, given);
    this.#waiting.set(number, { resolve, reject });
    return await promise;
  }

  #hear(answer: ModelThreadAnswer): void {
    const waiting = this.#waiting.get(answer.question);
    this.#waiting.delete(answer.question);
    if (answer.kind === 'failed') waiting?.reject(new Error(answer.message));
    else waiting?.resolve(answer);
  }

  /** The last session ends the thread, and gives its memory back. */
  async #left(): Promise<void> {
    this.#sessions -= 1;
    if (this.#sessions > 0 || this.#isEnding) return;
    this.#isEnding = true;
    this.#onEnd();
    await this.#worker.terminate();
  }

  /** What the thread held is gone: uncaught, this ends the runner as a model does that crashes it, and it is started again. */
  #lost(error: Error): void {
    if (!this.#isEnding) throw error;
  }
}

let thread: ModelThread | undefined;

/** Loads a model into the thread of this runner's models. */
export async function openSessionInThread(
  source: string | Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<ModelSession> {
  thread ??= new ModelThread(() => {
    thread = undefined;
  });
  return await thread.open(source, options);
}

/** Tensors for another thread, and the buffers that go there. Small ones are copied: they may lie in memory of others. */
function packed(feeds: Readonly<Record<string, Tensor>>): [Record<string, SentTensor>, ArrayBuffer[]] {
  const sent: Record<string, SentTensor> = {};
  const given = new Set<ArrayBuffer>();
  for (const [name, { type, dims, data }] of Object.entries(feeds)) {
    if (Array.isArray(data)) throw new Error(`input "${name}" is not of numbers`);
    const isGiven = data.byteLength >= largeBytes && data.buffer instanceof ArrayBuffer;
    if (isGiven) given.add(data.buffer);
    // A slice of the same kind.
    sent[name] = { type, dims, data: isGiven ? data : data.slice() };
  }
  return [sent, [...given]];
}

function unexpected(answer: ModelThreadAnswer): Error {
  return new Error(`the thread of the models answered "${answer.kind}"`);
}
