import { isRecord, listOf, partOf, textOf } from './look-into.ts';
import { type ManifestFound, imageParts, labelledVersion, placeText, storageText, tagsOf } from './manifest.ts';

/** What a manifest of Seldon says: a SeldonDeployment of Core 1 and a Model of Core 2 are endpoints. */
export function readSeldon(manifest: unknown): ManifestFound {
  const apiVersion = textOf(manifest, 'apiVersion') ?? '';
  const kind = textOf(manifest, 'kind') ?? '';
  const isFirst = apiVersion.startsWith('machinelearning.seldon.io/');
  if (!isFirst && !apiVersion.startsWith('mlops.seldon.io/')) return { is: 'other' };
  const name = textOf(manifest, 'metadata', 'name');
  if (isFirst && kind === 'SeldonDeployment') return name === undefined ? unnamed : deployment(manifest, name);
  if (!isFirst && kind === 'Model') return name === undefined ? unnamed : model(manifest, name);
  const why = kinds[kind] ?? `${kind} of ${apiVersion} is not known`;
  return { is: 'skipped', why };
}

const unnamed: ManifestFound = { is: 'skipped', why: 'it has no name' };

const kinds: Readonly<Record<string, string>> = {
  Pipeline: 'it passes requests on to models, which are imported themselves',
  Experiment: 'it splits requests between models, which are imported themselves',
  Server: 'it is how models run, not a model that is served',
  ServerConfig: 'it is how models run, not a model that is served',
  SeldonRuntime: 'it is how models run, not a model that is served',
  SeldonConfig: 'it is how models run, not a model that is served',
};

function model(manifest: unknown, name: string): ManifestFound {
  const namespace = textOf(manifest, 'metadata', 'namespace');
  const requirements = listOf(manifest, 'spec', 'requirements').filter((one) => typeof one === 'string');
  const isExplainer = isRecord(partOf(manifest, 'spec', 'explainer'));
  if (isExplainer) return { is: 'skipped', why: 'it explains another model' };
  return {
    is: 'endpoint',
    endpoint: {
      platform: 'seldon',
      name,
      namespace,
      location: placeText(namespace, name),
      model: storageText(textOf(manifest, 'spec', 'storageUri')),
      version: labelledVersion(manifest),
      tags: tagsOf(manifest, {
        requirements: requirements.length === 0 ? undefined : requirements.join(','),
        server: textOf(manifest, 'spec', 'server'),
      }),
    },
  };
}

interface Predictor {
  readonly name: string;
  /** In percent; undefined where it says none. */
  readonly traffic: number | undefined;
  readonly isShadow: boolean;
  readonly spec: unknown;
}

function deployment(manifest: unknown, name: string): ManifestFound {
  const namespace = textOf(manifest, 'metadata', 'namespace');
  const predictors = listOf(manifest, 'spec', 'predictors').map((spec, at): Predictor => {
    const traffic = partOf(spec, 'traffic');
    return {
      name: textOf(spec, 'name') ?? `predictor ${at + 1}`,
      traffic: typeof traffic === 'number' ? traffic : undefined,
      isShadow: partOf(spec, 'shadow') === true,
      spec,
    };
  });
  const [main] = predictors
    .filter(({ isShadow }) => !isShadow)
    // The first of those with the most; one that says nothing gets what the others leave.
    .toSorted((one, other) => shareOf(other, predictors) - shareOf(one, predictors));
  if (main === undefined) return { is: 'skipped', why: 'it has no predictor that answers' };
  const node = modelNode(partOf(main.spec, 'graph'), 0);
  const image = imageParts(imageOf(main.spec));
  return {
    is: 'endpoint',
    endpoint: {
      platform: 'seldon',
      name,
      namespace,
      location: placeText(namespace, name),
      description: predictors.length > 1 ? `Predictors: ${predictors.map(trafficText).join(', ')}.` : undefined,
      model: storageText(textOf(node, 'modelUri')) ?? image.model,
      version: labelledVersion(manifest) ?? (textOf(node, 'modelUri') === undefined ? image.version : undefined),
      tags: tagsOf(manifest, { implementation: textOf(node, 'implementation') }),
    },
  };
}

function shareOf({ traffic }: Predictor, all: readonly Predictor[]): number {
  if (traffic !== undefined) return traffic;
  return 100 - all.reduce((sum, one) => sum + (one.isShadow ? 0 : (one.traffic ?? 0)), 0);
}

function trafficText({ name, traffic, isShadow }: Predictor): string {
  return isShadow ? `${name} (shadow)` : traffic === undefined ? name : `${name} ${traffic} %`;
}

/** The first node of a graph that names where its model lies; a graph is no deeper than people write it. */
function modelNode(graph: unknown, depth: number): unknown {
  if (!isRecord(graph) || depth > 20) return undefined;
  if (textOf(graph, 'modelUri') !== undefined) return graph;
  for (const child of listOf(graph, 'children')) {
    const found = modelNode(child, depth + 1);
    if (found !== undefined) return found;
  }
  return depth === 0 ? graph : undefined;
}

function imageOf(predictor: unknown): string | undefined {
  const [component] = listOf(predictor, 'componentSpecs');
  const [container] = listOf(component, 'spec', 'containers');
  return textOf(container, 'image');
}
