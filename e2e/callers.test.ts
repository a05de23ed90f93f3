import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { handOver } from './support/hand-over.ts';
import { proportionalBytes } from './support/memory.ts';
import {
  type Place,
  type RunningMuster,
  makePlace,
  processTree,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';

const clients = 64;
/** So many requests at least; more, by `span`, until memory is flat; and `mostRequests` are enough for that. */
const requests = 100_000;
const mostRequests = 300_000;
/** So often memory is looked at. */
const sampleEvery = 2000;

/**
 * Memory is flat when over the last `span` requests a process grew by no more than this, by the medians of the samples at
 * both ends. V8 lets its heap grow in steps of up to 50 MiB until it has the size that suits the load, after some 50,000
 * requests, and then keeps it. What is left behind by requests grows for ever: 24 MiB in 50,000 are 500 bytes a request, and
 * one that is kept holds its head, its body, its tensors and its answer, which is several times that.
 */
const span = 50_000;
const maxGrowthBytes = 24 * 1024 * 1024;

/** What kind of request a call is, in turns that differ from client to client, so that each meets all others in a batch. */
type Kind = 'good' | 'bad' | 'late' | 'cancelled';

let place: Place;
let muster: RunningMuster;
let agent: Agent;

beforeAll(async () => {
  place = await makePlace();
  muster = await startMuster(place);
  await handOver(muster.client, 'who', join(root, 'packages/runtime-onnx/fixtures/add-row-id.onnx'));
  agent = new Agent({ connections: clients, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 });
});
afterAll(async () => {
  await agent.close();
  await muster.stop();
  await removePlace(place);
});

/** Every row of every call has an id of its own, which the model gives back with the sum of the row. */
function rowsOf(client: number, call: number): { readonly ids: readonly number[]; readonly values: readonly number[] } {
  const count = 1 + ((client * 7 + call) % 5);
  const ids = Array.from({ length: count }, (_, at) => client * 10_000_000 + call * 10 + at);
  return { ids, values: ids.flatMap((id, at) => [client, call % 1000, at, id % 7]) };
}

function kindOf(client: number, call: number): Kind {
  switch ((client + call) % 16) {
    case 3:
      return 'bad';
    case 7:
      return 'late';
    case 11:
      return 'cancelled';
    default:
      return 'good';
  }
}

/** Bad in turns: another width, values that are missing, rows that differ, a datatype that is not the model's. */
function bodyOf(kind: Kind, client: number, call: number): string {
  const { ids, values } = rowsOf(client, call);
  const id = { name: 'id', datatype: 'INT64', shape: [ids.length, 1], data: ids };
  const x = { name: 'x', datatype: 'FP32', shape: [ids.length, 4], data: values };
  if (kind === 'late') return JSON.stringify({ inputs: [id, x], parameters: { timeout: 1 } });
  if (kind !== 'bad') return JSON.stringify({ inputs: [id, x] });
  const wrong = [
    { ...x, shape: [ids.length, 3], data: values.slice(ids.length) },
    { ...x, data: values.slice(1) },
    { ...x, shape: [ids.length + 1, 4], data: [...values, 1, 2, 3, 4] },
    { ...x, datatype: 'FP64' },
  ];
  return JSON.stringify({ inputs: [id, wrong[call % wrong.length]] });
}

it('64 callers with good, bad, late and cancelled requests each get their own answer, and memory stays flat', async () => {
  const outcomes: Record<string, number> = {};
  const foreign: string[] = [];
  const samples: { readonly at: number; readonly gateway: number; readonly runner: number }[] = [];
  const [gateway = 0] = await muster.pids('gateway');
  const [runner = 0] = await muster.pids('runner');
  // Where runners are caged, the process that is known is the cage, and what it holds runs within.
  const inRunner = await processTree(runner);
  const calls = new Array<number>(clients).fill(0);
  let sent = 0;

  async function send(kind: Kind, client: number, call: number): Promise<{ status: number; text: string }> {
    const cancellation = new AbortController();
    const answer = request(`${muster.url}/v2/models/who/infer`, {
      method: 'POST',
      dispatcher: agent,
      headers: { authorization: `Bearer ${muster.token}`, 'content-type': 'application/json' },
      body: bodyOf(kind, client, call),
      signal: kind === 'cancelled' ? cancellation.signal : null,
    }).then(async ({ statusCode, body }) => ({ status: statusCode, text: await body.text() }));
    if (kind !== 'cancelled') return await answer;
    const settled = answer.catch(() => ({ status: 0, text: '' }));
    // Sooner or later on its way, and now and then after its answer.
    for (let turns = call % 7; turns > 0; turns--) await turn();
    cancellation.abort();
    return await settled;
  }

  function judge(kind: Kind, client: number, call: number, status: number, text: string): void {
    const outcome = `${kind} ${status}`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const isRight = ((): boolean => {
      if (kind === 'bad') return status === 400 && /"error":"invalid_(shape|data|datatype): /.test(text);
      if (kind === 'late') return status === 504 && text.includes('deadline_passed');
      if (kind === 'cancelled' && status === 0) return true;
      const { ids, values } = rowsOf(client, call);
      const sums = ids.map((_, at) => values.slice(at * 4, at * 4 + 4).reduce((sum, value) => sum + value, 0));
      const { outputs } = JSON.parse(text) as { readonly outputs?: readonly { readonly data: readonly number[] }[] };
      return status === 200 && JSON.stringify(outputs?.map(({ data }) => data)) === JSON.stringify([ids, sums]);
    })();
    if (!isRight && foreign.length < 20) foreign.push(`${kind} ${client}/${call}: ${status} ${text.slice(0, 300)}`);
  }

  async function caller(id: number, goal: number): Promise<void> {
    while (sent < goal) {
      const at = ++sent;
      const call = calls[id] ?? 0;
      calls[id] = call + 1;
      const kind = kindOf(id, call);
      const { status, text } = await send(kind, id, call);
      judge(kind, id, call, status, text);
      if (at % sampleEvery !== 0) continue;
      const ofRunner = await Promise.all(inRunner.map(proportionalBytes));
      samples.push({
        at,
        gateway: await proportionalBytes(gateway),
        runner: ofRunner.reduce((sum, bytes) => sum + bytes, 0),
      });
    }
  }

  function growth(process: 'gateway' | 'runner'): number {
    const before = (end: number): number => {
      const near = samples.filter(({ at }) => at > end - 10_000 && at <= end).map((sample) => sample[process]);
      return near.toSorted((a, b) => a - b)[Math.floor(near.length / 2)] ?? Number.NaN;
    };
    return before(sent) - before(sent - span);
  }

  const isFlat = (): boolean => growth('gateway') <= maxGrowthBytes && growth('runner') <= maxGrowthBytes;
  for (let goal = requests; goal <= mostRequests; goal += span) {
    await Promise.all(Array.from({ length: clients }, async (_, id) => await caller(id, goal)));
    if (isFlat()) break;
  }

  expect(foreign).toEqual([]);
  expect(outcomes['good 200']).toBeGreaterThan(sent * 0.8);
  for (const outcome of ['bad 400', 'late 504', 'cancelled 0']) expect(outcomes[outcome]).toBeGreaterThan(sent / 50);
  // Cancelling ended no process.
  expect([...(await muster.pids('gateway')), ...(await muster.pids('runner'))]).toEqual([gateway, runner]);
  for (const process of ['gateway', 'runner'] as const) {
    const course = samples.map((sample) => Math.round(sample[process] / 1024 / 1024)).join(' ');
    expect(growth(process), `${process} in MiB: ${course}`).toBeLessThanOrEqual(maxGrowthBytes);
    expect(samples.at(-1)?.[process]).toBeGreaterThan(20 * 1024 * 1024);
  }
}, 600_000);
