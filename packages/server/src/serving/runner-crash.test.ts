import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FakeModel } from '../../test-support/fake-runner.ts';
import { aPredictor, aRunner, ask, doubled, endPredictors, heldModel } from '../../test-support/predictor-twins.ts';
import { aDeployment, anEndpoint, valuesOf } from '../../test-support/serving-twins.ts';

afterEach(endPredictors);

describe('a request that kills', () => {
  const poison = 666;
  const deadly: FakeModel = async (inputs, run) => {
    if (valuesOf(inputs[0]).includes(poison)) {
      run.crash();
      return [];
    }
    return await doubled(inputs, run);
  };

  test('takes nobody with it: its neighbours are answered, it alone gets model_crashed', async () => {
    const runner = await aRunner({ 'd-0': deadly });
    const onChange = vi.fn<() => void>();
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])], { onChange });
    const answers = await Promise.all([1, 2, poison, 4, 5].map((value) => ask(predictor, 'e', [value])));
    expect(answers).toEqual([[2], [4], 'model_crashed', [8], [10]]);
    expect(predictor.takeIncidents().map((incident) => incident.kind)).toEqual(['suspected', 'confirmed']);
    expect(predictor.takeIncidents()).toEqual([]);
    expect(await ask(predictor, 'e', [6])).toEqual([12]);
  });

  test('is tried again in a runner of a pack while nothing else is in flight there', async () => {
    const runner = await aRunner({ 'd-0': deadly, 'x-0': doubled });
    const predictor = await aPredictor(['d', 'x'].map((id) => anEndpoint(id, [aDeployment(id, runner.address)])));
    const load = { stop: false };
    const neighbour = async (): Promise<void> => {
      for (let value = 0; !load.stop; value += 1) expect(await ask(predictor, 'x', [value])).toEqual([value * 2]);
    };
    const neighbours = [neighbour(), neighbour()];
    expect(await Promise.all([ask(predictor, 'd', [poison]), ask(predictor, 'd', [1])])).toEqual([
      'model_crashed',
      [2],
    ]);
    load.stop = true;
    await Promise.all(neighbours);
  });

  test('is not repeated after its deadline, and does not count against those who only waited', async () => {
    const runner = await aRunner({ 'd-0': deadly });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address, { maxRows: 1 })])]);
    const answers = [poison, poison, poison, 1, 2].map((value) => ask(predictor, 'e', [value]));
    expect(await Promise.all(answers)).toEqual(['model_crashed', 'model_crashed', 'model_crashed', [2], [4]]);
  });

  test('is the only one to blame: what was sent behind it had not begun', async () => {
    const slowly: FakeModel = async (inputs, run) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return await deadly(inputs, run);
    };
    const runner = await aRunner({ 'd-0': slowly });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address, { maxRows: 1 })])]);
    // Runs of this length are worth sending the next one ahead.
    for (let value = 0; value < 10; value += 1) await ask(predictor, 'e', [value]);
    expect(await Promise.all([poison, 1, 2].map((value) => ask(predictor, 'e', [value])))).toEqual([
      'model_crashed',
      [2],
      [4],
    ]);
    expect(predictor.takeIncidents().map((incident) => incident.kind)).toEqual(['suspected', 'confirmed']);
  });

  test('kill -9 of a runner under load loses nothing', async () => {
    const runner = await aRunner({ 'd-0': doubled });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('d', runner.address)])]);
    const load = { stop: false };
    let asked = 0;
    const caller = async (id: number): Promise<void> => {
      for (let turn = 0; !load.stop; turn += 1) {
        expect(await ask(predictor, 'e', [id * 1e6 + turn])).toEqual([(id * 1e6 + turn) * 2]);
        asked += 1;
      }
    };
    const callers = [...Array(16).keys()].map(caller);
    for (let crash = 0; crash < 3; crash += 1) {
      const before = asked;
      await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 100), { interval: 5, timeout: 5000 });
      runner.crashAndRestart();
    }
    load.stop = true;
    await Promise.all(callers);
  });

  test('that waits for its second run until its deadline does not keep the runner from the others', async () => {
    const held = heldModel();
    let crash = (): void => undefined;
    const fatal: FakeModel = (_, run) => {
      crash = () => run.crash();
      return new Promise(() => undefined);
    };
    const first = await aRunner({ 'd-0': fatal });
    const second = await aRunner({ 'd-1': doubled, 'x-0': held.model });
    const replicas = [
      { id: 'd-0', address: first.address },
      { id: 'd-1', address: second.address },
    ];
    const predictor = await aPredictor([
      anEndpoint('d', [aDeployment('d', first.address, { replicas })]),
      anEndpoint('x', [aDeployment('x', second.address)]),
    ]);
    const neighbour = ask(predictor, 'x', [1]);
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    const suspect = ask(predictor, 'd', [1], { deadlineMs: performance.now() + 400 });
    await vi.waitFor(() => expect(first.runs).toHaveLength(1));
    first.unload('d-0', true);
    crash();
    expect(await suspect).toBe('deadline_passed');
    const next = ask(predictor, 'x', [2]);
    held.release();
    expect(await neighbour).toEqual([2]);
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    held.release();
    expect(await next).toEqual([4]);
  });
});
