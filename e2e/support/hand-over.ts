import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type CallOptions, type Client, upload } from '@muster-ml/client';
import { MusterError, type Operation, fromProblem } from '@muster-ml/protocol';

type DeployBody = NonNullable<CallOptions<'deploy'>['body']>;
type VersionBody = NonNullable<CallOptions<'versionRegister'>['body']>;

/** Uploads a file and registers it as the next version of a model, which is made where it is missing; answers its number. */
export async function registerFile(
  client: Client,
  model: string,
  file: string | Uint8Array,
  rest: Omit<VersionBody, 'digest'> = {},
): Promise<number> {
  await client.call('modelCreate', { body: { name: model } }).catch((error: unknown) => {
    if (!(error instanceof MusterError && error.code === 'model_exists')) throw error;
  });
  const bytes = typeof file === 'string' ? await readFile(file) : file;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const stored = await upload(client, {
    sizeBytes: bytes.byteLength,
    sha256,
    read: async (start, end) => bytes.subarray(start, end),
  });
  const operation = await client.call('versionRegister', {
    params: { model },
    body: { digest: stored.digest, ...rest },
  });
  const { version } = (await succeeded(client, operation)) as { readonly version: { readonly number: number } };
  return version.number;
}

/** Deploys a version and waits until its traffic has moved. */
export async function deploy(client: Client, endpoint: string, body: DeployBody): Promise<void> {
  await succeeded(client, await client.call('deploy', { params: { endpoint }, body }));
}

/** Registers a file under the endpoint's name and makes it live; answers the number of the version. */
export async function handOver(
  client: Client,
  endpoint: string,
  file: string | Uint8Array,
  rest: Omit<VersionBody, 'digest'> & { readonly settings?: DeployBody['settings'] } = {},
): Promise<number> {
  const { settings, ...version } = rest;
  const number = await registerFile(client, endpoint, file, version);
  await deploy(client, endpoint, { model: endpoint, version: number, ...(settings === undefined ? {} : { settings }) });
  return number;
}

/** The result of an operation; throws the problem that it ended with. */
export async function succeeded(client: Client, operation: Operation): Promise<Readonly<Record<string, unknown>>> {
  const end = await client.follow(operation, { signal: AbortSignal.timeout(60_000) });
  if (end.state === 'succeeded' && end.result !== null) return end.result;
  throw end.problem === null ? new Error(`operation ${end.id} ended as ${end.state}`) : fromProblem(end.problem);
}
