import { MusterError, type Tensor } from '@muster-ml/protocol';
import type { BodyMemory } from './body-memory.ts';
import type { Job } from './job.ts';
import { mergeInputs, orderOutputs, splitOutputs } from './merging.ts';
import type { Slot } from './replica-pool.ts';
import type { RoutedDeployment } from './routing-table.ts';

/** How a run ended for the batcher; requests that got an answer or an error of their own are settled already. */
export type RunEnd =
  | { readonly kind: 'answered'; readonly rows: number; readonly runMicros: number }
  /** An output did not have one row for each row that went in. */
  | { readonly kind: 'unmergeable' }
  /** The model failed on a merged run: one of its requests may be why. */
  | { readonly kind: 'failed-together' }
  /** The replica was unloaded meanwhile: nothing ran. */
  | { readonly kind: 'not-loaded' }
  /** The runner died with the batch in flight. */
  | { readonly kind: 'died' };

/**
 * Runs a batch of requests with equal merge keys, or a single one, and settles each with its own rows. `onFree` is called
 * between: the replica gets its next run before the answers of this one are written, which takes longer than it should idle.
 */
export async function runBatch(
  slot: Slot,
  deployment: RoutedDeployment,
  batch: readonly Job[],
  onFree: () => void,
): Promise<RunEnd> {
  const { headers, payload } = mergeInputs(batch.map((job) => job.request));
  const wanted = batch[0]?.request.outputs;
  const memories = memoriesOf(batch);
  const result = await slot.runner.run(
    { replica: slot.replica, inputs: headers, ...(wanted === undefined ? {} : { outputs: wanted }) },
    payload,
    memories === undefined ? undefined : heldUntilWritten(memories),
  );
  if ('failed' in result) return settleFailure(batch, result.failed, result.died);
  const rowCounts = batch.map((job) => job.request.rows ?? 1);
  const parts = batch.length === 1 ? [result.outputs] : splitOutputs(result.outputs, rowCounts);
  if (parts === undefined) return { kind: 'unmergeable' };
  onFree();
  const rows = rowCounts.reduce((sum, count) => sum + count, 0);
  for (let index = 0; index < batch.length; index += 1) {
    const job = batch[index];
    // Who shared a run used the part of it that its rows are.
    const share = batch.length === 1 ? 1 : (rowCounts[index] ?? 0) / rows;
    if (job !== undefined) settleAnswer(job, deployment, parts[index] ?? [], result.runMicros * share);
  }
  return { kind: 'answered', rows, runMicros: result.runMicros };
}

/** The memories of large bodies in a batch; undefined if there are none, as for most. */
function memoriesOf(batch: readonly Job[]): BodyMemory[] | undefined {
  let memories: BodyMemory[] | undefined;
  for (const { request } of batch) if (request.memory !== undefined) (memories ??= []).push(request.memory);
  return memories;
}

/** A runner may answer before it has read everything: what is still being written must stay. */
function heldUntilWritten(memories: readonly BodyMemory[]): () => void {
  for (const memory of memories) memory.hold();
  return () => {
    for (const memory of memories) memory.letGo();
  };
}

function settleAnswer(job: Job, deployment: RoutedDeployment, outputs: readonly Tensor[], runMicros: number): void {
  try {
    job.answer({
      deployment,
      outputs: orderOutputs(outputs, job.request.outputs),
      runMicros,
      queueMicros: (job.startedMs - job.acceptedMs) * 1000,
    });
  } catch (thrown) {
    job.fail(
      thrown instanceof MusterError
        ? thrown
        : new MusterError('internal_error', 'an answer could not be handed on', { cause: thrown }),
    );
  }
}

function settleFailure(batch: readonly Job[], failed: MusterError, died: boolean): RunEnd {
  if (died) return { kind: 'died' };
  if (failed.code === 'replica_not_loaded') return { kind: 'not-loaded' };
  if (batch.length > 1) return { kind: 'failed-together' };
  // An answer that cannot be read is the runner's fault, and to the caller the model's.
  const error =
    failed.code === 'link_violation' || failed.code === 'link_lost'
      ? new MusterError('model_failed', 'the runner gave an answer that cannot be read', { cause: failed })
      : failed;
  for (const job of batch) job.fail(error);
  return { kind: 'answered', rows: 0, runMicros: 0 };
}
