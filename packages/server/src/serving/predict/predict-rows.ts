import { type Row, type RowPlace, type RowPlan, bindInputs, encodeRows, noParameters } from '@muster-ml/protocol';
import type { FaceDependencies, Prediction } from '../faces.ts';
import type { Exchange } from '../http/exchange.ts';
import type { RoutedDeployment, RoutedEndpoint } from '../routing-table.ts';

/** Parts of one request that run at the same time: enough to fill a batch, too few to crowd others out. */
const partsAtOnce = 4;

/** The prediction of some of a request's rows. */
export interface PredictedPart {
  readonly rows: number;
  readonly prediction: Prediction;
}

/**
 * Predicts any number of rows: in parts of at most the deployment's `maxRows` (of one row where the model takes no
 * batches), all by the same version, within one deadline; `outputs` are those wanted, all if left out. Answers the parts in the order of the rows.
 */
export async function predictRows(
  exchange: Exchange,
  endpoint: RoutedEndpoint,
  deployment: RoutedDeployment,
  plan: RowPlan,
  rows: readonly Row[],
  place: RowPlace,
  { predictor }: FaceDependencies,
  outputs?: readonly string[],
): Promise<PredictedPart[]> {
  const deadlineMs = performance.now() + endpoint.timeoutMs;
  const partRows = plan.isBatched ? deployment.maxRows : 1;
  const starts = Array.from({ length: Math.ceil(rows.length / partRows) }, (_, index) => index * partRows);
  const parts = new Array<PredictedPart>(starts.length);
  const cancellation = sharedCancellation(exchange);
  // All rows are checked before any is run: a request is predicted whole or not at all.
  const inputs = starts.map((start) => {
    const stop = Math.min(start + partRows, rows.length);
    const tensors = encodeRows(plan, rows, start, stop, place).map((tensor) => ({
      ...tensor,
      parameters: noParameters,
    }));
    return { stop, bound: bindInputs(tensors, deployment.signature, deployment.maxRows) };
  });

  let next = 0;
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (next < starts.length && !hasFailed) {
      const index = next++;
      const start = starts[index] ?? 0;
      const input = inputs[index];
      if (input === undefined) return;
      try {
        const prediction = await predictor.predict({
          endpoint,
          deployment,
          inputs: input.bound.inputs,
          outputs,
          rows: input.bound.rows,
          deadlineMs,
          cancellation: cancellation(),
          parameters: noParameters,
          requestId: exchange.requestId,
          // Parts of one request may not be answered by different versions.
          version: starts.length > 1 ? deployment.version : undefined,
        });
        exchange.runMicros += prediction.runMicros;
        exchange.queueMicros = Math.max(exchange.queueMicros, prediction.queueMicros);
        exchange.deployment = prediction.deployment;
        parts[index] = { rows: input.stop - start, prediction };
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(partsAtOnce, starts.length) }, work));
  return parts;
}

/** The exchange tells one listener that the caller went away; each part that runs needs to hear it. */
function sharedCancellation(
  exchange: Exchange,
): () => { readonly cancelled: boolean; onCancel(callback: (() => void) | undefined): void } {
  const callbacks = new Set<{ callback: (() => void) | undefined }>();
  exchange.onCancel(() => {
    for (const slot of callbacks) slot.callback?.();
  });
  return () => {
    const slot: { callback: (() => void) | undefined } = { callback: undefined };
    return {
      get cancelled() {
        return exchange.cancelled;
      },
      onCancel: (callback) => {
        slot.callback = callback;
        if (callback === undefined) callbacks.delete(slot);
        else callbacks.add(slot);
      },
    };
  };
}
