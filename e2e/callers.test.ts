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
const requests = 100_000;
/** So often memory is looked at. */
const sampleEvery = 2000;

/**
 * Most that the memory of a process may grow from the second to the last quarter of the requests, by the medians of the
 * samples. Between collections a JavaScript heap rises and falls by some 10 MiB, which the medians even out; what 50,000
 * requests leave behind they do not: 24 MiB are 500 bytes a request, and one that is kept holds its head, its body, its
 * tensors and its answer, which is several times that.
 */
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

  async function client(id: number): Promise<void> {
    for (let call = 0; sent < requests; call++) {
      const at = ++sent;
      const kind = kindOf(id, call);
      const { status, text } = await send(kind, id, call);
      judge(kind, id, call, status, text);
      if (at % sampleEvery === 0)
        samples.push({
          at,
          gateway: await proportionalBytes(gateway),
          runner: (await Promise.all(inRunner.map(proportionalBytes))).reduce((sum, bytes) => sum + bytes, 0),
        });
    }
  }

  await Promise.all(Array.from({ length: clients }, async (_, id) => await client(id)));
  expect(foreign).toEqual([]);
  expect(outcomes['good 200']).toBeGreaterThan(requests * 0.8);
  for (const outcome of ['bad 400', 'late 504', 'cancelled 0'])
    expect(outcomes[outcome]).toBeGreaterThan(requests / 50);
  // Cancelling neither ended a process nor left work behind that would be counted against the queue.
  expect([...(await muster.pids('gateway')), ...(await muster.pids('runner'))]).toEqual([gateway, runner]);

  for (const process of ['gateway', 'runner'] as const) {
    const median = (from: number, to: number): number => {
      const sorted = samples
        .filter(({ at }) => at > requests * from && at <= requests * to)
        .map((sample) => sample[process])
        .toSorted((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    };
    expect(median(0.25, 0.5)).toBeGreaterThan(20 * 1024 * 1024);
    const course = samples.map((sample) => Math.round(sample[process] / 1024 / 1024)).join(' ');
    expect(median(0.75, 1) - median(0.25, 0.5), `${process} in MiB: ${course}`).toBeLessThan(maxGrowthBytes);
  }
}, 600_000);
