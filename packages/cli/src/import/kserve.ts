import { isRecord, listOf, partOf, textOf } from './look-into.ts';
import { type ManifestFound, imageParts, labelledVersion, placeText, storageText, tagsOf } from './manifest.ts';

/** Frameworks that a predictor may have a field of its own for, from before `model`. */
const frameworks = [
  'sklearn',
  'xgboost',
  'tensorflow',
  'pytorch',
  'triton',
  'onnx',
  'pmml',
  'lightgbm',
  'paddle',
  'huggingface',
] as const;

const skipped: Readonly<Record<string, string>> = {
  ServingRuntime: 'it is how models run, not a model that is served',
  ClusterServingRuntime: 'it is how models run, not a model that is served',
  InferenceGraph: 'it passes requests on to services, which are imported themselves',
  TrainedModel: 'it is one of several models of a service, which is imported itself',
};

/** What a manifest of KServe says: an InferenceService of v1beta1 is an endpoint. */
export function readKserve(manifest: unknown): ManifestFound {
  const apiVersion = textOf(manifest, 'apiVersion') ?? '';
  if (!/^serving\.(kserve\.io|kubeflow\.org)\//.test(apiVersion)) return { is: 'other' };
  const kind = textOf(manifest, 'kind') ?? '';
  if (kind !== 'InferenceService')
    return { is: 'skipped', why: skipped[kind] ?? `${kind} of ${apiVersion} is not known` };
  const name = textOf(manifest, 'metadata', 'name');
  if (name === undefined) return { is: 'skipped', why: 'it has no name' };
  const predictor = partOf(manifest, 'spec', 'predictor');
  if (!isRecord(predictor)) return { is: 'skipped', why: `${apiVersion} has no spec.predictor, as v1beta1 has` };
  const namespace = textOf(manifest, 'metadata', 'namespace');
  const served = servedBy(predictor);
  return {
    is: 'endpoint',
    endpoint: {
      platform: 'kserve',
      name,
      namespace,
      location: (textOf(manifest, 'status', 'url') ?? placeText(namespace, name)).slice(0, 1000),
      model: served.model,
      version: labelledVersion(manifest) ?? served.version,
      tags: tagsOf(manifest, { format: served.format, runtime: served.runtime }),
    },
  };
}

interface Served {
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly format: string | undefined;
  readonly runtime: string | undefined;
}

function servedBy(predictor: Readonly<Record<string, unknown>>): Served {
  const { model } = predictor;
  if (isRecord(model))
    return {
      model: storedAt(model),
      version: undefined,
      format: textOf(model, 'modelFormat', 'name'),
      runtime: textOf(model, 'runtime'),
    };
  const framework = frameworks.find((name) => isRecord(predictor[name]));
  if (framework !== undefined)
    return { model: storedAt(predictor[framework]), version: undefined, format: framework, runtime: undefined };
  const [container] = listOf(predictor, 'containers');
  const { model: image, version } = imageParts(textOf(container, 'image'));
  return { model: image, version, format: undefined, runtime: undefined };
}

/** By an address, or by a key of the storage secret with a path. */
function storedAt(model: unknown): string | undefined {
  const first = textOf(listOf(model, 'storageUris')[0], 'uri');
  return storageText(textOf(model, 'storageUri') ?? first ?? textOf(model, 'storage', 'path'));
}
