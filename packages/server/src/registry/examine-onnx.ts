import { MusterError } from '@muster-ml/protocol';
import type { OperationHandle } from '../platform/operations/index.ts';
import { applyHints } from './apply-hints.ts';
import type { ExaminedVersion, VersionWish } from './examined-version.ts';
import { type SampleTensors, fitInputs, fitOutputs } from './fit-sample.ts';
import type { RegistryParts } from './parts.ts';
import { readSample } from './read-sample.ts';
import { packTensors } from './sample-tensors.ts';

/**
 * Inspects an ONNX file and reads its sample by what it takes. The answers that came with the sample are compared when a
 * replica is loaded. Throws what the inspection does, `invalid_signature`, `invalid_sample`, `sample_differs` (for answers
 * of another kind), and `invalid_request` for a wish about Python.
 */
export async function examineOnnx(
  parts: Pick<RegistryParts, 'inspect'>,
  handle: OperationHandle,
  file: string,
  wish: VersionWish,
  sample: SampleTensors | undefined,
): Promise<ExaminedVersion> {
  handle.progress('inspecting the file');
  const { signature: found, facts } = await parts.inspect(file, wish.digest, handle.signal);
  handle.signal.throwIfAborted();
  if (wish.python !== undefined) {
    throw new MusterError('invalid_request', 'the file is ONNX: no Python runs it', {
      place: 'body.python',
      remedy: 'Leave python out; an ONNX file brings what it needs.',
    });
  }
  const signature = applyHints(found, wish.signature ?? {});
  if (wish.sampleCsv === undefined && sample === undefined) return { runtime: 'onnx', signature, facts, sample: null };
  handle.progress('reading the sample');
  const fitted = sample === undefined ? readSample(wish.sampleCsv ?? '', signature) : fitInputs(sample, signature);
  const outputs = fitOutputs(sample?.outputs ?? [], signature);
  return {
    runtime: 'onnx',
    signature: fitted.features === undefined ? signature : { ...signature, features: fitted.features },
    facts,
    sample: packTensors(fitted.tensors, outputs, false),
  };
}
