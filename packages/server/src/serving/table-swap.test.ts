import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FakeModel } from '../../test-support/fake-runner.ts';
import { aPredictor, aRunner, ask, doubled, endPredictors, heldModel } from '../../test-support/predictor-twins.ts';
import { aDeployment, aRequest, aTable, anEndpoint, numbers, valuesOf } from '../../test-support/serving-twins.ts';
import { indexTable } from './applied-table.ts';

afterEach(endPredictors);

describe('a change of the routing table', () => {
  test('under load loses nothing, and answers come from versions that were live', async () => {
    const times =
      (factor: number): FakeModel =>
      (inputs) => [
        numbers(
          valuesOf(inputs[0]).map((value) => value * factor),
          'output',
        ),
      ];
    const old = await aRunner({ 'a-0': times(2) });
    const next = await aRunner({ 'b-0': times(3) });
    const a = anEndpoint('e', [aDeployment('a', old.address)]);
    const b = anEndpoint('e', [aDeployment('b', next.address, { version: '2' })]);
    const predictor = await aPredictor([a]);
    const load = { stop: false };
    const factors = new Set<number>();
    const caller = async (id: number): Promise<void> => {
      for (let turn = 1; !load.stop; turn += 1) {
        const value = id * 1000 + turn;
        const answer = await ask(predictor, 'e', [value]);
        factors.add(typeof answer === 'string' ? Number.NaN : (answer[0] ?? 0) / value);
      }
    };
    const callers = [...Array(16).keys()].map((id) => caller(id + 1));
    predictor.apply(
      indexTable(
        aTable(2, [
          anEndpoint('e', [
            ...a.deployments,
            { ...aDeployment('b', next.address, { version: '2' }), role: 'canary', sharePercent: 0 },
          ]),
        ]),
      ),
    );
    await vi.waitFor(() => expect(predictor.readyReplicas()).toEqual(['a-0', 'b-0']), { interval: 5 });
    predictor.apply(indexTable(aTable(3, [b])));
    await vi.waitFor(() => expect(factors.has(3)).toBe(true), { interval: 5 });
    await vi.waitFor(() => expect(predictor.drainingReplicas()).toEqual([]), { interval: 5 });
    await vi.waitFor(() => expect(old.connections).toBe(0), { interval: 5 });
    load.stop = true;
    await Promise.all(callers);
    expect(factors).toEqual(new Set([2, 3]));
  });

  test('lists what drains until it is done', async () => {
    const held = heldModel();
    const runner = await aRunner({ 'a-0': held.model });
    const next = await aRunner({ 'b-0': doubled });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('a', runner.address, { maxRows: 1 })])]);
    const answers = [ask(predictor, 'e', [1]), ask(predictor, 'e', [2])];
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    predictor.apply(indexTable(aTable(2, [anEndpoint('e', [aDeployment('b', next.address)])])));
    expect(predictor.drainingReplicas()).toEqual(['a-0']);
    expect(await ask(predictor, 'e', [5])).toEqual([10]);
    held.release();
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    expect(predictor.drainingReplicas()).toEqual(['a-0']);
    held.release();
    expect(await Promise.all(answers)).toEqual([[2], [4]]);
    expect(predictor.drainingReplicas()).toEqual([]);
  });

  test('moves what waits to the live version when the old one dies, unless a version was named', async () => {
    const held = heldModel();
    const old = await aRunner({ 'a-0': held.model });
    const next = await aRunner({ 'b-0': doubled });
    const predictor = await aPredictor([anEndpoint('e', [aDeployment('a', old.address, { maxRows: 1 })])]);
    const first = ask(predictor, 'e', [1]);
    await vi.waitFor(() => expect(held.waiting).toBe(1));
    const others = [ask(predictor, 'e', [2]), ask(predictor, 'e', [3], { version: '1' })];
    predictor.apply(indexTable(aTable(2, [anEndpoint('e', [aDeployment('b', next.address, { version: '2' })])])));
    old.crash();
    expect(await Promise.all([first, ...others])).toEqual([[2], [4], 'endpoint_not_ready']);
  });

  test('that comes late for a replica which is unloaded already is made up for: it did not run', async () => {
    const first = await aRunner({ 'd-0': doubled });
    const second = await aRunner({ 'd-1': doubled });
    const deployment = aDeployment('d', first.address, {
      replicas: [
        { id: 'd-0', address: first.address },
        { id: 'd-1', address: second.address },
      ],
    });
    const predictor = await aPredictor([anEndpoint('e', [deployment])]);
    first.unload('d-0', true);
    const answers = await Promise.all([...Array(50).keys()].map((value) => ask(predictor, 'e', [value])));
    expect(answers).toEqual([...Array(50).keys()].map((value) => [value * 2]));
    expect(predictor.takeIncidents()).toEqual([]);
  });

  test('between the look-up of an endpoint and the request counts: the new version answers', async () => {
    const runner = await aRunner({ 'a-0': heldModel().model, 'b-0': doubled });
    const old = anEndpoint('e', [aDeployment('a', runner.address)]);
    const predictor = await aPredictor([old, anEndpoint('f', [aDeployment('b', runner.address)])]);
    const chosen = predictor.pick(old, undefined);
    predictor.apply(indexTable(aTable(2, [anEndpoint('e', [aDeployment('b', runner.address, { version: '2' })])])));
    expect(predictor.pick(old, undefined).id).toBe('b');
    const { deployment, outputs } = await predictor.predict(aRequest(old, chosen, [4]));
    expect([deployment.id, valuesOf(outputs[0])]).toEqual(['b', [8]]);
    predictor.apply(indexTable(aTable(3, [])));
    expect(() => predictor.pick(old, undefined)).toThrow(expect.objectContaining({ code: 'endpoint_not_found' }));
  });
});
