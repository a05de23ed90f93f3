import { createHash } from 'node:crypto';
import { type Client, upload } from '@muster-ml/client';
import type { DeployRequest, Operation } from '@muster-ml/protocol';

type Settings = Partial<DeployRequest['settings']>;

/** Uploads a file and registers it as a version of a model, which is made. Resolves with the version's number. */
export async function registerModel(client: Client, model: string, file: Uint8Array): Promise<number> {
  const sha256 = createHash('sha256').update(file).digest('hex');
  const stored = await upload(client, {
    sizeBytes: file.byteLength,
    sha256,
    read: async (start, end) => file.subarray(start, end),
  });
  await client.call('modelCreate', { body: { name: model } });
  const operation = await finish(
    client,
    await client.call('versionRegister', { params: { model }, body: { digest: stored.digest } }),
  );
  const number = Number(operation.result?.['number'] ?? operation.result?.['version']);
  return Number.isSafeInteger(number) ? number : 1;
}

/** Deploys a version as live; resolves when the endpoint answers. */
export async function deployVersion(
  client: Client,
  endpoint: string,
  model: string,
  version: number,
  settings: Settings = {},
): Promise<void> {
  const body = { model, version, settings } as DeployRequest;
  await finish(client, await client.call('deploy', { params: { endpoint }, body }));
}

async function finish(client: Client, started: Operation): Promise<Operation> {
  const operation = await client.follow(started);
  if (operation.state === 'succeeded') return operation;
  throw new Error(
    `${operation.kind} of ${operation.subject} ${operation.state}: ${operation.problem?.detail ?? operation.progress}`,
  );
}

/** Does `work` for every item, `parallel` at a time. */
export async function forEachOf<Item>(
  items: readonly Item[],
  parallel: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
}
