import {
  type Hello,
  type InferHeader,
  type OnnxLoadRequest,
  MusterError,
  type ReplicaOptions,
  linkVersion,
} from '@muster-ml/protocol';

const graphOptimizations: readonly unknown[] = [
  'disabled',
  'basic',
  'extended',
  'all',
] satisfies ReplicaOptions['graphOptimization'][];

/** The greeting of the other side. Throws `link_violation` if it is none, or speaks another version of the link. */
export function readHello(header: unknown): Hello {
  if (!isObject(header) || typeof header['link'] !== 'number')
    throw violation('the first frame of a connection must be a hello');
  const role = typeof header['role'] === 'string' ? header['role'] : 'other side';
  if (header['link'] !== linkVersion)
    throw violation(
      `the ${role} speaks version ${header['link']} of the runtime link, this runner version ${linkVersion}`,
    );
  return { link: header['link'], role, software: typeof header['software'] === 'string' ? header['software'] : '' };
}

/** The replica that a frame is about. */
export function readReplicaId(header: unknown): string {
  if (!isObject(header) || typeof header['replica'] !== 'string') throw violation('the frame names no replica');
  return header['replica'];
}

export function readLoadRequest(header: unknown): OnnxLoadRequest {
  const replica = readReplicaId(header);
  const { file, options, sample } = header as Record<string, unknown>;
  if (typeof file !== 'string' || !isReplicaOptions(options))
    throw violation(`the request to load "${replica}" has no file or no whole options`);
  return {
    replica,
    file,
    options,
    ...(Array.isArray(sample) ? { sample: sample as NonNullable<OnnxLoadRequest['sample']> } : {}),
  };
}

/** Replica and wanted outputs; the inputs are read with the payload. */
export function readInferHeader(
  header: unknown,
): Pick<InferHeader, 'replica' | 'outputs'> & { readonly inputs: unknown } {
  const replica = readReplicaId(header);
  const { inputs, outputs } = header as Record<string, unknown>;
  if (outputs === undefined || outputs === null) return { replica, inputs };
  if (!Array.isArray(outputs) || !outputs.every((name) => typeof name === 'string'))
    throw violation('the outputs of a request are not a list of names');
  return { replica, inputs, outputs };
}

function isReplicaOptions(options: unknown): options is ReplicaOptions {
  if (!isObject(options)) return false;
  const { intraOpThreads, memoryArena, executionProviders, graphOptimization } = options;
  const isProviders = Array.isArray(executionProviders) && executionProviders.every((name) => typeof name === 'string');
  return (
    typeof intraOpThreads === 'number' &&
    typeof memoryArena === 'boolean' &&
    isProviders &&
    graphOptimizations.includes(graphOptimization)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function violation(message: string): MusterError {
  return new MusterError('link_violation', message);
}
