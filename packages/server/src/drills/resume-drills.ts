import { MusterError, type Operation, toMusterError } from '@muster-ml/protocol';
import type { DrillTask } from './drill.ts';
import type { RunParts } from './parts.ts';
import { putBack } from './put-back.ts';
import { tellFailed } from './run-drill.ts';

const putBackLimitMs = 180_000;

/**
 * Ends the drills that a crash or a restart interrupted: what was live when a rollback drill began is put back, in the name
 * of whoever asked for it, and the operation fails as interrupted. The endpoints are held from here on.
 */
export async function resumeDrills(parts: RunParts): Promise<void> {
  for (const { operation, input } of await parts.operations.interrupted('drill')) {
    const task = input as unknown as DrillTask;
    parts.hold.hold(task.endpoint.id, () => new MusterError('drill_running', 'it is held already'));
    parts.operations.run(operation.id, async ({ signal }) => await endInterrupted(parts, operation, task, signal));
  }
}

async function endInterrupted(
  parts: RunParts,
  operation: Operation,
  task: DrillTask,
  signal: AbortSignal,
): Promise<never> {
  try {
    if (task.kind === 'rollback') {
      const actor = await parts.identity.actorById(operation.createdBy);
      const caller = { actor, requestId: operation.id };
      await putBack(parts, caller, task, AbortSignal.any([signal, AbortSignal.timeout(putBackLimitMs)]));
    }
  } catch (error) {
    if (parts.isDraining()) throw error;
    const { model, version } = task.before;
    const notPutBack = new MusterError(
      'operation_interrupted',
      `the drill was interrupted by a restart, and ${model}:${version} could not be put back: ${toMusterError(error).message}`,
      { remedy: `Look at what is live: muster endpoint show ${task.endpoint.name}`, cause: error },
    );
    await tellFailed(parts, task, notPutBack).catch(parts.onError);
    throw notPutBack;
  } finally {
    parts.hold.release(task.endpoint.id);
  }
  throw new MusterError(
    'operation_interrupted',
    'the drill was interrupted by a restart; what was live before is live',
  );
}
