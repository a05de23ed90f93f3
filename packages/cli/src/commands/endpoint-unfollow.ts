import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';

/** Ends following an alias of an MLflow server; what is live stays. */
export async function endpointUnfollow(invocation: Invocation, name: string): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const params = { endpoint: name };
  const follow = await withNearest(client, 'endpoint', name, async () => await client.call('followGet', { params }));
  await client.call('followEnd', { params });
  if (flags.json === true) terminal.print(JSON.stringify({ unfollowed: follow }));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ${name} follows ${follow.sourceModel}@${follow.alias} no more`,
  );
  terminal.note(`See it   muster endpoint show ${name}`);
}
