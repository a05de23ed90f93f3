import { parentPort, workerData } from 'node:worker_threads';
import { toMusterError, toProblem } from '@muster-ml/protocol';
import { createGatewayClient } from './gateway-client.ts';
import type { LoadMessage, LoadOrder, LoadTask } from './load-task.ts';
import { startOpenLoop } from './open-loop.ts';

// The thread that puts an endpoint under load and ends: measuring neither holds control up nor is held up by it.

const task = workerData as LoadTask;
const tell = (message: LoadMessage): void => parentPort?.postMessage(message);
const tellEveryMs = 200;

const client = createGatewayClient(task);
try {
  const example = await client.exampleRequest();
  const requests = task.requests.length === 0 ? [example] : task.requests;
  tell({ kind: 'begun' });
  const loop = startOpenLoop({
    ...task,
    graceMs: task.timeoutMs,
    send: async (index) => await client.send(requests[index % requests.length] ?? example),
    nowMs: () => performance.now(),
  });
  parentPort?.on('message', (_order: LoadOrder) => loop.end());
  const telling = setInterval(() => tell({ kind: 'now', now: loop.now() }), tellEveryMs);
  const found = await loop.done;
  clearInterval(telling);
  tell({ kind: 'done', found });
} catch (error) {
  tell({ kind: 'failed', problem: toProblem(toMusterError(error)) });
} finally {
  client.close();
  parentPort?.close();
}
