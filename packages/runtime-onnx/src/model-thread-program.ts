import { parentPort } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { type ModelSession, openSessionHere } from './model-session.ts';
import type { ModelThreadAnswer, ModelThreadQuestion, SentTensor, SentTensors } from './model-thread-messages.ts';

// The thread that models with large inputs run in, while the main thread of the runner goes on reading.

ort.env.logLevel = 'fatal';

const sessions = new Map<number, ModelSession>();
const port = parentPort;
if (port === null) throw new Error('this program is a thread of the runner');
port.on('message', (question: ModelThreadQuestion) => {
  answer(question).then(
    (one) => port.postMessage(one),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ question: question.question, kind: 'failed', message } satisfies ModelThreadAnswer);
    },
  );
});

async function answer(asked: ModelThreadQuestion): Promise<ModelThreadAnswer> {
  const { question } = asked;
  switch (asked.kind) {
    case 'open': {
      const session = await openSessionHere(asked.source, asked.options);
      sessions.set(question, session);
      const { inputMetadata, outputMetadata } = session;
      return { question, kind: 'opened', ports: { inputMetadata, outputMetadata } };
    }
    case 'run': {
      const { outputs, runMicros } = await sessionOf(asked.session).run(feedsOf(asked.feeds), asked.outputs);
      return { question, kind: 'ran', result: { outputs: sent(outputs), runMicros } };
    }
    case 'release':
      await sessionOf(asked.session).release();
      sessions.delete(asked.session);
      return { question, kind: 'released' };
  }
}

function sessionOf(id: number): ModelSession {
  const session = sessions.get(id);
  if (session === undefined) throw new Error(`there is no session ${id} in this thread`);
  return session;
}

function feedsOf(tensors: SentTensors): Record<string, ort.Tensor> {
  const feeds = Object.create(null) as Record<string, ort.Tensor>;
  for (const [name, tensor] of Object.entries(tensors)) {
    // Past the constructor, which would change the array of a float16 (tensor-values.ts); the binding reads these members.
    feeds[name] = { ...tensor, location: 'cpu' } as unknown as ort.Tensor;
  }
  return feeds;
}

function sent(outputs: ort.InferenceSession.ReturnType): SentTensors {
  const tensors: Record<string, SentTensor> = {};
  for (const [name, value] of Object.entries(outputs)) {
    // What is no tensor of numbers is left out; the reader names the output that it misses.
    if (!('data' in value) || value.type === 'string') continue;
    tensors[name] = { type: value.type, dims: value.dims, data: value.data as SentTensor['data'] };
  }
  return tensors;
}
