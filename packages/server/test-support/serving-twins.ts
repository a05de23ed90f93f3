import { type Signature, type Tensor, noParameters } from '@muster-ml/protocol';
import type { Cancellation, PredictRequest } from '../src/serving/faces.ts';
import type { RoutedDeployment, RoutedEndpoint, RoutingTable } from '../src/serving/routing-table.ts';
import type { ServingLog } from '../src/serving/serving-log.ts';

export const silentLog: ServingLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A model that takes rows of `columns` numbers and gives as many. */
export function numbersSignature(columns = 1): Signature {
  return {
    inputs: [{ name: 'input', datatype: 'FP64', shape: [-1, columns] }],
    outputs: [{ name: 'output', datatype: 'FP64', shape: [-1, columns] }],
  };
}

export function aDeployment(id: string, address: string, overrides: Partial<RoutedDeployment> = {}): RoutedDeployment {
  return {
    id,
    role: 'live',
    sharePercent: 100,
    model: 'numbers',
    version: '1',
    runtime: 'onnx',
    digest: 'd'.repeat(64),
    signature: numbersSignature(),
    maxRows: 64,
    waitMs: 0,
    replicas: [{ id: `${id}-0`, address }],
    ...overrides,
  };
}

export function anEndpoint(
  name: string,
  deployments: readonly RoutedDeployment[],
  overrides: Partial<RoutedEndpoint> = {},
): RoutedEndpoint {
  return { name, team: 'default', timeoutMs: 10_000, bodyBytes: 1_000_000, queue: 1024, deployments, ...overrides };
}

export function aTable(
  version: number,
  endpoints: readonly RoutedEndpoint[],
  overrides: Partial<RoutingTable> = {},
): RoutingTable {
  return { version, installation: 'test', madeAt: 0, endpoints, tokens: [], limits: [], ...overrides };
}

/** A matrix of one column. */
export function numbers(values: readonly number[], name = 'input'): Tensor {
  return { name, datatype: 'FP64', shape: [values.length, 1], bytes: new Uint8Array(Float64Array.from(values).buffer) };
}

export function valuesOf(tensor: Tensor | undefined): number[] {
  if (tensor === undefined) return [];
  return [...new Float64Array(Uint8Array.from(tensor.bytes).buffer)];
}

export interface TestCancellation extends Cancellation {
  cancel(): void;
}

export function aCancellation(): TestCancellation {
  let callback: (() => void) | undefined;
  let cancelled = false;
  return {
    get cancelled() {
      return cancelled;
    },
    onCancel: (next) => {
      callback = next;
    },
    cancel: () => {
      cancelled = true;
      callback?.();
    },
  };
}

export function aRequest(
  endpoint: RoutedEndpoint,
  deployment: RoutedDeployment,
  values: readonly number[],
  overrides: Partial<PredictRequest> = {},
): PredictRequest {
  return {
    endpoint,
    deployment,
    inputs: [numbers(values)],
    outputs: undefined,
    rows: values.length,
    deadlineMs: performance.now() + endpoint.timeoutMs,
    cancellation: aCancellation(),
    parameters: noParameters,
    requestId: 'r',
    ...overrides,
  };
}
