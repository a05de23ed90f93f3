import {
  type EnvironmentSpec,
  MusterError,
  type PythonFormat,
  type Tensor,
  compareTensors,
  differenceText,
} from '@muster-ml/protocol';
import type { OperationHandle } from '../platform/operations/index.ts';
import { applyHints } from './apply-hints.ts';
import type { ExaminedVersion, VersionWish } from './examined-version.ts';
import { type SampleTensors, fitOutputs } from './fit-sample.ts';
import type { RegistryParts } from './parts.ts';
import type { Look, Proof } from './python-inspection.ts';
import { packTensors } from './sample-tensors.ts';
import { storeSample } from './store-sample.ts';

/** A look at a file that Python can run. */
export type PythonLook = Look & { readonly format: PythonFormat };

/**
 * Makes the environment of a model that only Python can run, loads the model in it, and has it answer its sample as it
 * did where it was made.
 *
 * Throws `isolation_too_weak`, `requirements_needed`, what making an environment throws, what a proof throws, `invalid_signature`,
 * `invalid_sample`, `sample_differs`.
 */
export async function examinePython(
  parts: Pick<RegistryParts, 'python' | 'makeEnvironment' | 'refuseUncagedPython' | 'objects'>,
  handle: OperationHandle,
  { file, sizeBytes }: { readonly file: string; readonly sizeBytes: number },
  wish: VersionWish,
  look: PythonLook,
  sample: SampleTensors | undefined,
): Promise<ExaminedVersion> {
  const { signal } = handle;
  await parts.refuseUncagedPython();
  const environment = await parts.makeEnvironment(
    { python: wish.python?.version ?? look.pythonVersion ?? undefined, requirements: requirementsOf(wish, look) },
    (text) => handle.progress(text),
    signal,
  );
  signal.throwIfAborted();

  handle.progress(sample === undefined ? 'loading the model' : 'loading the model and answering its sample');
  const sampleFile = sample === undefined ? undefined : await sampleFileOf(parts, wish, sample);
  const request = { file, digest: wish.digest, format: look.format, environment, sampleFile };
  const proof = await parts.python.prove(request, signal);
  const signature = applyHints(proof.signature, wish.signature ?? {});
  const expected = comparable(fitOutputs(sample?.outputs ?? [], signature), proof);
  refuseDifference(expected, proof);
  return {
    runtime: 'python',
    signature,
    facts: { ...factsOf(look, proof, environment), sizeBytes },
    sample:
      proof.sample === null
        ? null
        : packTensors(proof.sample.inputs, expected.length > 0 ? expected : proof.sample.outputs, proof.isTable),
  };
}

/** What the owner said that it needs, else what the file says. Throws `requirements_needed` where neither is known. */
function requirementsOf({ python }: VersionWish, { requirements, modules }: Look): readonly string[] {
  if (python?.requirements !== undefined) return python.requirements;
  if (requirements.length > 0 || modules.length === 0) return requirements;
  throw new MusterError(
    'requirements_needed',
    `the file does not tell what the model needs; it imports ${listed(modules)}`,
    { place: 'body.python.requirements', details: { modules: modules.slice(0, 100) } },
  );
}

/** The sample as a file: the object that came, or one that is made of a CSV. */
async function sampleFileOf(
  { objects }: Pick<RegistryParts, 'objects'>,
  wish: VersionWish,
  sample: SampleTensors,
): Promise<string> {
  const made = async (): Promise<string> =>
    await storeSample(objects, packTensors(sample.inputs, sample.outputs, sample.isTable));
  return await objects.localFile(wish.sampleDigest ?? (await made()));
}

/** Without those that the proof found to differ from one time to the next, which the model's adaptations say. */
function comparable(expected: readonly Tensor[], { sample }: Proof): readonly Tensor[] {
  if (sample === null) return expected;
  return expected.filter(({ name }) => sample.outputs.some((output) => output.name === name));
}

/** Throws `sample_differs` where the model answered otherwise than it should. */
function refuseDifference(expected: readonly Tensor[], { sample }: Proof): void {
  if (expected.length === 0) return;
  const difference = compareTensors(expected, sample?.outputs ?? []);
  if (difference === undefined) return;
  throw new MusterError('sample_differs', `the first difference is in ${differenceText(difference)}`, {
    place: 'body.sample.outputs',
    details: { ...difference },
  });
}

function factsOf(
  look: PythonLook,
  proof: Proof,
  environment: EnvironmentSpec,
): Omit<Extract<ExaminedVersion['facts'], { environment: unknown }>, 'sizeBytes'> {
  const { format, producer, modules, dangers } = look;
  return {
    format,
    producer,
    modelClass: proof.modelClass === '' ? look.modelClass : proof.modelClass,
    modules,
    dangers,
    environment,
    isTable: proof.isTable,
    adaptations: [...new Set([...look.adaptations, ...proof.adaptations])],
  };
}

function listed(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more` : names.join(', ');
}
