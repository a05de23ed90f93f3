import { MusterError } from '@muster-ml/protocol';
import { vi } from 'vitest';
import { systemClock } from '../src/platform/clock/index.ts';
import { indexTable } from '../src/serving/applied-table.ts';
import type { PredictRequest } from '../src/serving/faces.ts';
import { TablePredictor, type TablePredictorOptions, defaultPredictorLimits } from '../src/serving/predictor.ts';
import type { RoutedEndpoint } from '../src/serving/routing-table.ts';
import { type FakeModel, type FakeRunner, createFakeRunner } from './fake-runner.ts';
import { aRequest, aTable, numbers, silentLog, valuesOf } from './serving-twins.ts';

const runners: FakeRunner[] = [];
const predictors: TablePredictor[] = [];

/** Ends what the functions below started: for `afterEach`. */
export async function endPredictors(): Promise<void> {
  for (const predictor of predictors.splice(0)) predictor.stop();
  for (const runner of runners.splice(0)) await runner.stop();
}

/** A runner that holds these replicas and listens. */
export async function aRunner(replicas: Readonly<Record<string, FakeModel>>): Promise<FakeRunner> {
  const runner = createFakeRunner({ replicas });
  runners.push(runner);
  await runner.start();
  return runner;
}

/** A predictor that has applied a table of these endpoints and reached every replica of it. */
export async function aPredictor(
  endpoints: readonly RoutedEndpoint[],
  options: Partial<TablePredictorOptions> = {},
): Promise<TablePredictor> {
  const predictor = new TablePredictor({
    software: 'test',
    clock: systemClock,
    log: silentLog,
    events: { ran: () => undefined, copyDropped: () => undefined, incident: () => undefined },
    limits: defaultPredictorLimits,
    onChange: () => undefined,
    ...options,
  });
  predictors.push(predictor);
  const table = indexTable(aTable(1, endpoints));
  predictor.apply(table);
  await vi.waitUntil(() => predictor.readyReplicas().length === table.replicas.size, { interval: 5, timeout: 5000 });
  return predictor;
}

/** Asks as a face does, and gives the values of the first output, or the code of the error. */
export async function ask(
  predictor: TablePredictor,
  endpointName: string,
  values: readonly number[],
  overrides: Partial<PredictRequest> = {},
): Promise<number[] | string> {
  try {
    const endpoint = predictor.table.find(endpointName);
    if (endpoint === undefined) return 'endpoint_not_found';
    const deployment = predictor.pick(endpoint, overrides.version);
    return valuesOf((await predictor.predict(aRequest(endpoint, deployment, values, overrides))).outputs[0]);
  } catch (thrown) {
    if (thrown instanceof MusterError) return thrown.code;
    throw thrown;
  }
}

/** A model that doubles its numbers. */
export const doubled: FakeModel = (inputs) =>
  inputs.map((input) => ({
    ...numbers(
      valuesOf(input).map((value) => value * 2),
      'output',
    ),
    shape: input.shape,
  }));

/** A model whose answers wait until they are released. */
export function heldModel(): { readonly model: FakeModel; release(): void; readonly waiting: number } {
  const release: (() => void)[] = [];
  return {
    model: async (inputs, run) => {
      await new Promise<void>((resolve) => release.push(resolve));
      return await doubled(inputs, run);
    },
    release: () => {
      for (const go of release.splice(0)) go();
    },
    get waiting() {
      return release.length;
    },
  };
}
