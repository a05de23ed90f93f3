import type { ModelFacts } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { fetchFile } from '../handover/fetch-file.ts';
import { requireModelReference } from '../handover/model-reference.ts';
import { resolveVersion } from '../handover/resolve-version.ts';
import type { Invocation } from '../invocation.ts';

/** What the file of each format is called. A folder travels as one tar file. */
const endingOf: Readonly<Record<ModelFacts['format'], string>> = {
  onnx: 'onnx',
  pickle: 'pkl',
  joblib: 'joblib',
  skops: 'skops',
  xgboost: 'ubj',
  lightgbm: 'txt',
  catboost: 'cbm',
  mlflow: 'tar',
  huggingface: 'tar',
  folder: 'tar',
};

/** Fetches the file of a version and checks its digest; nothing is left behind when that fails. */
export async function modelPull(invocation: Invocation, what: string, file: string | undefined): Promise<void> {
  const { terminal } = invocation;
  const reference = requireModelReference(what, what);
  const client = await invocation.client();
  const { model } = reference;
  await withNearest(client, 'model', model, async () => {
    const params = { model, version: await resolveVersion(client, reference) };
    const version = await client.call('versionGet', { params });
    const target = file ?? `${model}-${version.number}.${endingOf[version.facts.format]}`;
    const open = async (): Promise<Response> => await client.call('versionFile', { params });
    await fetchFile(
      invocation,
      { what: `${model}:${version.number}`, digest: version.digest, sizeBytes: version.sizeBytes, open },
      target,
    );
    terminal.print(
      invocation.flags.json === true
        ? JSON.stringify({ file: target, digest: version.digest, sizeBytes: version.sizeBytes })
        : target,
    );
  });
}
