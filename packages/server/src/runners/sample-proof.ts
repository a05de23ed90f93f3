import { MusterError, type UnpackedSample, compareTensors, differenceText, readTensors } from '@muster-ml/protocol';
import type { RunnerProcess } from './runner-process.ts';

/**
 * Asks a replica that was just loaded for its sample, and compares its answers with those of the training library.
 * Throws `sample_differs` with the first difference, and what the runner answers instead of answers.
 */
export async function proveSample(
  runner: Pick<RunnerProcess, 'infer'>,
  replica: string,
  sample: UnpackedSample,
): Promise<void> {
  if (sample.outputs.length === 0) return;
  const expected = readTensors(sample.outputs, sample.outputPayload);
  const wanted = expected.map(({ name }) => name);
  const header = { replica, inputs: sample.inputs, outputs: wanted };
  const { outputs } = await runner.infer(header, [sample.payload]);
  const difference = compareTensors(expected, outputs);
  if (difference === undefined) return;
  throw new MusterError('sample_differs', `the first difference is in ${differenceText(difference)}`, {
    place: 'sample',
    details: { ...difference },
  });
}
