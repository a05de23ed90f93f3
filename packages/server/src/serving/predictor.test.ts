import { MusterError, type Tensor } from '@muster-ml/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type FakeModel, echoModel } from '../../test-support/fake-runner.ts';
import { aPredictor, aRunner, ask, doubled, endPredictors, heldModel } from '../../test-support/predictor-twins.ts';
import { aCancellation, aDeployment, anEndpoint, numbers, valuesOf } from '../../test-support/serving-twins.ts';
import { defaultPredictorLimits } from './predictor.ts';

afterEach(endPredictors);

describe('a prediction', () => {
  test('gets its own rows back, whatever it shared its run with', async () => {
    const runner = await aRunner({ 'd-0': doubled });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
    const answers = await Promise.all([...Array(200).keys()].map((index) => ask(predictor, 'e', [index, index + 0.5])));
    expect(answers).toEqual([...Array(200).keys()].map((index) => [index * 2, index * 2 + 1]));
    expect(runner.runs.length).toBeLessThan(20);
    expect(Math.max(...runner.runs.map((run) => run.inputs[0]?.shape[0] ?? 0))).toBeLessThanOrEqual(64);
  });

  test('is right for 64 callers at once, among bad, cancelled and late ones', async () => {
    const model: FakeModel = async (inputs, run) => {
      const values = valuesOf(inputs[0]);
      if (values.some((value) => value < 0)) throw new MusterError('model_failed', 'a negative value');
      await new Promise<void>((resolve) => setImmediate(resolve));
      return await doubled(inputs, run);
    };
    const runner = await aRunner({ 'd-0': model });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
    const caller = async (id: number): Promise<void> => {
      for (let turn = 0; turn < 25; turn += 1) {
        const identity = id * 1000 + turn;
        const fate = (id * 7 + turn * 13) % 10;
        if (fate === 0) {
          expect(await ask(predictor, 'e', [identity, -1])).toBe('model_failed');
        } else if (fate === 1) {
          const cancellation = aCancellation();
          const answer = ask(predictor, 'e', [identity], { cancellation });
          cancellation.cancel();
          expect(await answer).toBe('request_cancelled');
        } else if (fate === 2) {
          expect(await ask(predictor, 'e', [identity], { deadlineMs: performance.now() })).toBe('deadline_passed');
        } else {
          expect(await ask(predictor, 'e', [identity, identity + 0.25])).toEqual([identity * 2, identity * 2 + 0.5]);
        }
      }
    };
    await Promise.all([...Array(64).keys()].map(caller));
    expect(predictor.drainingReplicas()).toEqual([]);
    for (const load of predictor.load()) expect(load).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  test('shares no run with one of another shape or with other outputs or parameters', async () => {
    const runner = await aRunner({ 'd-0': doubled });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
    const wide: Tensor = { name: 'input', datatype: 'FP64', shape: [1, 2], bytes: new Uint8Array(16) };
    await Promise.all([
      ask(predictor, 'e', [1]),
      ask(predictor, 'e', [2]),
      ask(predictor, 'e', [3], { inputs: [wide] }),
      ask(predictor, 'e', [4], { outputs: ['output'] }),
      ask(predictor, 'e', [5], { parameters: { temperature: 1 } }),
      ask(predictor, 'e', [6], { parameters: { temperature: '1' } }),
      ask(predictor, 'e', [7], { rows: undefined }),
    ]);
    expect(
      runner.runs
        .map((run) => run.inputs[0]?.shape.join('×'))
        .toSorted((left = '', right = '') => left.localeCompare(right)),
    ).toEqual(['1×1', '1×1', '1×1', '1×1', '1×2', '2×1']);
  });

  test('is repeated alone where the model does not keep rows, and merging ends there', async () => {
    const runner = await aRunner({
      'd-0': (inputs) => [numbers([valuesOf(inputs[0]).reduce((sum, value) => sum + value, 0)], 'output')],
    });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
    expect(await Promise.all([ask(predictor, 'e', [1, 2]), ask(predictor, 'e', [3, 4])])).toEqual([[3], [7]]);
    expect(runner.runs).toHaveLength(3);
    expect(await Promise.all([ask(predictor, 'e', [1]), ask(predictor, 'e', [2])])).toEqual([[1], [2]]);
    expect(runner.runs).toHaveLength(5);
  });

  test('is refused at once when the queue is full, and the queue lives on', async () => {
    const held = heldModel();
    const runner = await aRunner({ 'd-0': held.model });
    const predictor = await aPredictor([
      anEndpoint('e', [aDeployment('d', runner.address, { maxRows: 1 })], { queue: 2 }),
    ]);
    const first = ask(predictor, 'e', [1]);
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    const others = [ask(predictor, 'e', [2]), ask(predictor, 'e', [3])];
    expect(await ask(predictor, 'e', [4])).toBe('queue_full');
    const releasing = setInterval(() => held.release(), 1);
    expect(await Promise.all([first, ...others])).toEqual([[2], [4], [6]]);
    clearInterval(releasing);
  });

  test('that nobody waits for any more is never run; one that runs keeps its replica busy', async () => {
    const held = heldModel();
    const runner = await aRunner({ 'd-0': held.model });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
    const running = ask(predictor, 'e', [1], { deadlineMs: performance.now() + 400 });
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    const late = ask(predictor, 'e', [2], { deadlineMs: performance.now() + 200 });
    const waits = ask(predictor, 'e', [3]);
    expect(await late).toBe('deadline_passed');
    expect(await running).toBe('deadline_passed');
    expect(runner.runs).toHaveLength(1);
    held.release();
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    held.release();
    expect(await waits).toEqual([6]);
    expect(runner.runs.map((run) => valuesOf(run.inputs[0]))).toEqual([[1], [3]]);
  });

  test('waits for others where the deployment asks for it, but not when the run is full', async () => {
    const runner = await aRunner({ 'd-0': doubled });
    const predictor = await aPredictor([
      anEndpoint('e', [aDeployment('d', runner.address, { maxRows: 3, waitMs: 500 })]),
    ]);
    const startedMs = performance.now();
    const alone = ask(predictor, 'e', [1]);
    expect(await alone).toEqual([2]);
    expect(performance.now() - startedMs).toBeGreaterThan(490);
    // Never held back: the deadline would pass before the wait is over.
    const full = [1, 2, 3].map((value) => ask(predictor, 'e', [value], { deadlineMs: performance.now() + 450 }));
    expect(await Promise.all(full)).toEqual([[2], [4], [6]]);
    expect(runner.runs).toHaveLength(2);
  });
});

describe('traffic', () => {
  test('the canary answers its share, the shadow gets its share of copies, and a named version neither', async () => {
    const runner = await aRunner({ 'a-0': doubled, 'b-0': echoModel(), 'c-0': echoModel() });
    const endpoint = anEndpoint('e', [
      aDeployment('a', runner.address, { sharePercent: 90 }),
      aDeployment('b', runner.address, { role: 'canary', sharePercent: 10, version: '2' }),
      aDeployment('c', runner.address, { role: 'shadow', sharePercent: 50, version: '3' }),
    ]);
    const predictor = await aPredictor([endpoint]);
    let canary = 0;
    for (let turn = 1; turn <= 1000; turn += 1) if ((await ask(predictor, 'e', [turn]))?.[0] === turn) canary += 1;
    expect(canary).toBeGreaterThanOrEqual(99);
    expect(canary).toBeLessThanOrEqual(101);
    const copies = runner.runs.filter((run) => run.replica === 'c-0').length;
    expect(copies).toBeGreaterThan(490);
    expect(copies).toBeLessThan(510);
    expect(await ask(predictor, 'e', [1], { version: '3' })).toEqual([1]);
    expect(await ask(predictor, 'e', [1], { version: '4' })).toBe('version_not_deployed');
  });

  test('a shadow that hangs or fails delays nobody, and drops what it cannot take', async () => {
    const live = await aRunner({ 'a-0': doubled });
    const shadow = await aRunner({ 'c-0': () => new Promise(() => undefined) });
    const copyDropped = vi.fn<() => void>();
    const predictor = await aPredictor(
      [anEndpoint('e', [aDeployment('a', live.address), aDeployment('c', shadow.address, { role: 'shadow' })])],
      {
        events: { ran: () => undefined, copyDropped, incident: () => undefined },
        limits: { ...defaultPredictorLimits, shadowCopies: 10 },
      },
    );
    for (let turn = 0; turn < 100; turn += 1) expect(await ask(predictor, 'e', [turn])).toEqual([turn * 2]);
    expect(copyDropped.mock.calls.length).toBeGreaterThan(70);
    shadow.crash();
    expect(await ask(predictor, 'e', [1])).toEqual([2]);
  });

  test('a deployment without a ready replica for longer than the grace is refused at once, within it waits', async () => {
    const runner = await aRunner({ 'd-0': doubled });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])], {
      limits: { ...defaultPredictorLimits, unreadyGraceMs: 500 },
    });
    expect(await ask(predictor, 'e', [1])).toEqual([2]);
    runner.unload('d-0');
    await vi.waitFor(() => expect(predictor.readyReplicas()).toEqual([]));
    const waits = ask(predictor, 'e', [2]);
    runner.load('d-0', doubled);
    expect(await waits).toEqual([4]);
    runner.unload('d-0');
    await vi.waitFor(() => expect(predictor.readyReplicas()).toEqual([]));
    expect(await ask(predictor, 'e', [3], { deadlineMs: performance.now() + 520 })).toBe('endpoint_not_ready');
    const startedMs = performance.now();
    expect(await ask(predictor, 'e', [3])).toBe('endpoint_not_ready');
    expect(performance.now() - startedMs).toBeLessThan(400);
  });

  test('a quarantined version answers why, and a quarantined canary leaves its share to the live one', async () => {
    const runner = await aRunner({ 'a-0': doubled, 'b-0': echoModel() });
    const canary = aDeployment('b', runner.address, {
      role: 'canary',
      sharePercent: 100,
      version: '2',
      quarantined: 'it crashed 3 times',
    });
    const predictor = await aPredictor([
      anEndpoint('e', [aDeployment('a', runner.address), canary]),
      anEndpoint('f', [aDeployment('g', runner.address, { quarantined: 'it crashed', replicas: [] })]),
    ]);
    expect(await ask(predictor, 'e', [1])).toEqual([2]);
    expect(await ask(predictor, 'e', [1], { version: '2' })).toBe('endpoint_not_ready');
    expect(await ask(predictor, 'f', [1])).toBe('endpoint_not_ready');
  });

  test('is sent ahead of the end of a long run, where waiting would not make its own run larger', async () => {
    const inFlight: number[] = [];
    const slowly: FakeModel = async (inputs, run) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const load of predictor.load()) inFlight.push(load.inFlight);
      return await doubled(inputs, run);
    };
    const runner = await aRunner({ 'd-0': slowly });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address, { maxRows: 1 })])]);
    for (let value = 0; value < 10; value += 1) expect(await ask(predictor, 'e', [value])).toEqual([value * 2]);
    expect(Math.max(...inFlight)).toBe(1);
    const answers = await Promise.all([...Array(10).keys()].map((value) => ask(predictor, 'e', [value])));
    expect(answers).toEqual([...Array(10).keys()].map((value) => [value * 2]));
    expect(Math.max(...inFlight)).toBe(2);
  });
});
