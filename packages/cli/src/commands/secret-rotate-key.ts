import { followOperation } from '../handover/follow-operation.ts';
import type { Invocation } from '../invocation.ts';

/** Replaces the key that secrets are kept under, and waits until every secret is under the new one. */
export async function secretRotateKey(invocation: Invocation): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const operation = await client.call('secretKeyRotate');
  const ended = await followOperation(
    invocation,
    client,
    operation,
    ({ result }) =>
      `the new key is ${String(result?.['key'])}; the keys of ${String(result?.['wrapped'])} secrets were wrapped with it`,
  );
  if (flags.json === true) terminal.print(JSON.stringify(ended));
  terminal.note(
    'Keep a copy of the folder of the keys away from the backups: without it, the secrets in them are lost.',
  );
}
