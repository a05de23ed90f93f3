import type { ModelFacts, ReplicaOptions, Signature } from '@muster-ml/protocol';
import { factsOf, signatureOf } from './describe-model.ts';
import type { Port } from './ports.ts';
import { type Replica, loadReplica } from './replica.ts';

/** Optimized as it will be when it is served: what goes wrong in that, such as folding constants, goes wrong here. */
const inspectionOptions: ReplicaOptions = {
  intraOpThreads: 1,
  memoryArena: false,
  executionProviders: ['cpu'],
  graphOptimization: 'all',
};

/**
 * Reads what a model takes and gives, and proves that the runtime loads it. A hostile file can end or hang the process
 * here, so this belongs in one that is limited and expendable.
 *
 * Throws `invalid_model_file` and `unsupported_model`.
 */
export async function inspectModel(
  file: string,
): Promise<{ readonly signature: Signature; readonly facts: ModelFacts }> {
  const replica = await loadReplica(file, inspectionOptions);
  const { outline, dropped } = replica;
  const outputs = replica.outputs.every(({ shape }) => shape !== undefined)
    ? replica.outputs
    : await observeRanks(replica);
  return { signature: signatureOf(outline, replica.inputs, outputs, dropped), facts: factsOf(outline, dropped) };
}

/** Outputs of unknown rank get the rank of an answer to a made input, with every dimension of any size. */
async function observeRanks(replica: Replica): Promise<readonly Port[]> {
  const answered = await replica.warmUp().catch(() => undefined);
  if (answered === undefined) return replica.outputs;
  const ranks = new Map(answered.result.outputs.map(({ name, shape }) => [name, shape.length]));
  return replica.outputs.map((port) => {
    const rank = ranks.get(port.name);
    return port.shape !== undefined || rank === undefined
      ? port
      : { ...port, shape: Array.from({ length: rank }, () => -1) };
  });
}
