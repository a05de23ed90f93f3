import { MusterError, type TensorSpec, quoteName } from '@muster-ml/protocol';
import type { RoutedDeployment, RoutedEndpoint } from '../routing-table.ts';

/** The extensions of the protocol that work here, and no others. */
export const extensions = ['binary_tensor_data', 'parameters'] as const;

export function serverMetadata(softwareVersion: string): string {
  return JSON.stringify({ name: 'muster', version: softwareVersion, extensions });
}

/**
 * The deployment that a version, or none, speaks of where nothing is run: metadata and readiness. Throws
 * `version_not_deployed`, `endpoint_not_ready`.
 */
export function describedDeployment(endpoint: RoutedEndpoint, version: string | undefined): RoutedDeployment {
  if (version !== undefined) {
    const named = endpoint.deployments.find((deployment) => deployment.version === version);
    if (named !== undefined) return named;
    throw new MusterError(
      'version_not_deployed',
      `version ${quoteName(version)} is not deployed under "${endpoint.name}"`,
    );
  }
  const live = endpoint.deployments.find((deployment) => deployment.role === 'live');
  if (live !== undefined) return live;
  throw new MusterError('endpoint_not_ready', `"${endpoint.name}" has no live version`, { retryAfterSeconds: 1 });
}

/** What a model takes and gives, -1 for what varies; `versions` are those that can be asked for by name. */
export function modelMetadata(endpoint: RoutedEndpoint, deployment: RoutedDeployment): string {
  return JSON.stringify({
    name: endpoint.name,
    versions: [...new Set(endpoint.deployments.map(({ version }) => version))],
    platform: platforms[deployment.runtime],
    inputs: deployment.signature.inputs.map(tensorMetadata),
    outputs: deployment.signature.outputs.map(tensorMetadata),
  });
}

/** As Triton names them: clients know these. */
const platforms = { onnx: 'onnxruntime_onnx', python: 'python' } as const satisfies Record<
  RoutedDeployment['runtime'],
  string
>;

function tensorMetadata({ name, datatype, shape }: TensorSpec): Pick<TensorSpec, 'name' | 'datatype' | 'shape'> {
  return { name, datatype, shape };
}
