import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createClient, upload } from '@muster-ml/client';
import { succeeded } from './support/hand-over.ts';
import {
  type Place,
  type RunningMuster,
  isAlive,
  makePlace,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';
import { withMark } from './support/onnx-copy.ts';
import { until } from './support/until.ts';

const rounds = Number(process.env['ROUNDS'] ?? 50);
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** Steps of the work; a round kills when a step begins, or at a random time. */
const steps = [
  'start',
  'part sent',
  'upload acknowledged',
  'registration asked',
  'version acknowledged',
  'deploy asked',
  'endpoint acknowledged',
] as const;
type Step = (typeof steps)[number];

/** What the server has acknowledged, as the parent wrote it down. */
interface Acknowledged {
  /** Digest of each version by `model:number`. */
  readonly versions: Map<string, string>;
  /** The version that each endpoint serves at least. */
  readonly endpoints: Map<string, number>;
}

describe(`kill -9 of everything in the middle of uploads and deploys (SEED=${seed})`, () => {
  let place: Place;
  let muster: RunningMuster;
  let base: Uint8Array;
  const random = randomFrom(seed);
  const acknowledged: Acknowledged = { versions: new Map(), endpoints: new Map() };

  beforeAll(async () => {
    place = await makePlace();
    base = new Uint8Array(await readFile(join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx')));
    muster = await startMuster(place);
  });
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  it(
    `${rounds} times: what was acknowledged is there and serves, nothing is half-done, no process is left`,
    { timeout: 900_000 },
    async () => {
      // Undisturbed first, to know how long the work takes here.
      const begun = performance.now();
      await handOverInSteps(muster.client, 0, () => {});
      const workMs = performance.now() - begun;
      for (let round = 1; round <= rounds; round++) {
        const moment: Step | number =
          random() < 0.5 ? (steps[Math.floor(random() * steps.length)] ?? 'start') : random() * 1.5 * workMs;
        const context = `round ${round} of ${rounds}, seed ${seed}, killed at ${typeof moment === 'number' ? `${moment.toFixed(0)} ms` : `"${moment}"`}`;
        try {
          await killDuringWork(round, moment, random);
          muster = await startMuster(place);
          await check();
        } catch (error) {
          throw new Error(`${context}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
        }
      }
      // The moments are spread over the work, so that a good part of it was acknowledged before the blow.
      expect(acknowledged.versions.size).toBeGreaterThan(rounds / 10);
      expect(acknowledged.endpoints.size).toBeGreaterThan(1);
    },
  );

  /** Works until the moment comes, kills all processes with one blow, and sees that they are gone. */
  async function killDuringWork(round: number, moment: Step | number, draw: () => number): Promise<void> {
    const tree = await muster.tree();
    const died = once(muster.process, 'exit');
    // Who asked a server that is gone need not try again.
    const blow = new AbortController();
    const struck = once(blow.signal, 'abort');
    const kill = (): void => {
      for (const pid of tree) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended already.
        }
      }
      blow.abort();
    };
    // Runners that were started meanwhile end by themselves when their parent is gone.
    if (typeof moment === 'number') setTimeout(kill, moment);
    const delayMs = draw() * 30;
    const work = handOverInSteps(
      createClient({ url: muster.url, token: muster.token, signal: blow.signal }),
      round,
      (step) => {
        if (step === moment) setTimeout(kill, delayMs);
      },
    ).catch(() => undefined);
    await Promise.race([struck, work.then(kill)]);
    const left = await muster.tree();
    await died;
    await work;
    await until('all processes are gone', 10_000, async () =>
      (await Promise.all([...tree, ...left].map(isAlive))).every((alive) => !alive),
    );
  }

  /** One hand-over, told step by step; what comes back as done is written down. */
  async function handOverInSteps(client: Client, round: number, at: (step: Step) => void): Promise<void> {
    const model = `model-${round % 5}`;
    const bytes = withMark(base, `round ${round}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    at('start');
    await client.call('modelCreate', { body: { name: model } }).catch(() => undefined);
    const stored = await upload(
      client,
      { sizeBytes: bytes.byteLength, sha256, read: async (start, end) => bytes.subarray(start, end) },
      { onProgress: () => at('part sent') },
    );
    at('upload acknowledged');
    const registration = await client.call('versionRegister', { params: { model }, body: { digest: stored.digest } });
    at('registration asked');
    const { version } = (await succeeded(client, registration)) as { readonly version: { readonly number: number } };
    acknowledged.versions.set(`${model}:${version.number}`, sha256);
    at('version acknowledged');
    const deployment = await client.call('deploy', {
      params: { endpoint: model },
      body: { model, version: version.number },
    });
    at('deploy asked');
    await succeeded(client, deployment);
    acknowledged.endpoints.set(model, version.number);
    at('endpoint acknowledged');
  }

  /** Everything that was acknowledged is there, serves, and every version that shows is whole. */
  async function check(): Promise<void> {
    const { client } = muster;
    for (const model of new Set([...acknowledged.versions.keys()].map((name) => name.slice(0, name.indexOf(':'))))) {
      const { items } = await client.call('versionList', { params: { model }, query: { limit: 1000 } });
      expect(items.map((version) => version.number).toSorted((a, b) => a - b)).toEqual(
        items.map((_, index) => index + 1),
      );
      for (const version of items) {
        const file = await client.call('versionFile', { params: { model, version: version.number } });
        const digest = createHash('sha256')
          .update(new Uint8Array(await file.arrayBuffer()))
          .digest('hex');
        expect(digest).toBe(version.digest);
        expect(digest).toBe(acknowledged.versions.get(`${model}:${version.number}`) ?? digest);
      }
      for (const name of acknowledged.versions.keys()) {
        if (name.startsWith(`${model}:`)) expect(items.map((version) => `${model}:${version.number}`)).toContain(name);
      }
    }
    for (const [endpoint, version] of acknowledged.endpoints) {
      const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] });
      let served = 0;
      await until(`${endpoint} serves`, 30_000, async () => {
        const answer = await client.request(`/v2/models/${endpoint}/infer`, { method: 'POST', body });
        if (answer.status === 200)
          served = Number(((await answer.json()) as { readonly model_version: string }).model_version);
        return answer.status === 200;
      });
      // A later deploy may have been under way: it was asked for, too.
      expect(served).toBeGreaterThanOrEqual(version);
    }
  }
});

/** mulberry32: a small generator whose seed reproduces a run. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
