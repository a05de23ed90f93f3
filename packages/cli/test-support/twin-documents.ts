import { type Endpoint, type Version, servingSettingsSchema } from '@muster-ml/protocol';

/** When everything in the twin was made. */
export const now = '2026-11-24T12:00:00.000Z';

const signature = {
  inputs: [{ name: 'input', datatype: 'FP32' as const, shape: [-1, 2] }],
  outputs: [{ name: 'label', datatype: 'INT64' as const, shape: [-1] }],
  features: ['age', 'income'],
};

/** A version of an ONNX file. */
export function versionDocument(model: string, number: number, digest: string, hasSample: boolean): Version {
  return {
    model,
    number,
    runtime: 'onnx',
    digest,
    sizeBytes: 3000,
    signature,
    facts: {
      format: 'onnx',
      sizeBytes: 3000,
      producer: 'skl2onnx',
      irVersion: 8,
      opsets: { '': 17 },
      operators: {},
      parameterCount: 31,
      metadata: {},
      adaptations: [],
    },
    sampleDigest: hasSample ? '0'.repeat(64) : null,
    lineage: null,
    description: '',
    tags: {},
    createdAt: now,
    createdBy: 'ana',
  };
}

/** As of a pickle whose environment was made with what was wished for. */
export function pythonFacts({
  version = '3.12',
  requirements = ['scikit-learn==1.5.2'],
}: {
  readonly version?: string | undefined;
  readonly requirements?: readonly string[] | undefined;
}): Version['facts'] {
  return {
    format: 'pickle',
    sizeBytes: 3000,
    producer: 'scikit-learn 1.5.2',
    modelClass: 'sklearn.pipeline.Pipeline',
    modules: ['sklearn'],
    dangers: [],
    environment: { python: version, requirements: requirements.filter((line) => line.includes('==')) },
    isTable: true,
    adaptations: [],
  };
}

/** An endpoint after a deployment that is ready at once. */
export function endpointDocument(
  name: string,
  earlier: Endpoint | undefined,
  model: string,
  version: number,
  request: { role: 'live' | 'canary' | 'shadow'; sharePercent?: number | undefined; settings: unknown },
): Endpoint {
  const deployment = {
    id: `d${version}-${request.role}`,
    endpoint: name,
    model,
    version,
    role: request.role,
    sharePercent: request.sharePercent ?? 100,
    state: 'ready' as const,
    settings: servingSettingsSchema.parse(request.settings),
    replicas: [{ id: 'r1', runner: 'pack-1', state: 'ready' as const }],
    createdAt: now,
    createdBy: 'ana',
    readyAt: now,
    endedAt: null,
  };
  const others = (earlier?.deployments ?? []).filter(({ role }) => role !== request.role);
  const live = earlier?.deployments.find(({ role }) => role === 'live');
  return {
    name,
    team: 'default',
    kind: 'served',
    owner: { id: 'ana', name: 'Ana' },
    useCase: null,
    objective: null,
    runbook: null,
    description: '',
    tags: {},
    limits: { timeoutMs: 10_000, bodyBytes: 2 ** 26, queue: 1024 },
    standing: 'deployed',
    ready: true,
    signature,
    deployments: [...others, deployment],
    previous: request.role === 'live' && live !== undefined ? { model: live.model, version: live.version } : null,
    revision: 1,
    createdAt: now,
    createdBy: 'ana',
  };
}
