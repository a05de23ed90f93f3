import { confirmByName } from '../context/confirm.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { versionsText } from '../output/endpoint-text.ts';

/** Ends an endpoint; its versions stay. */
export async function endpointDelete(invocation: Invocation, name: string): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const endpoint = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('endpointGet', { params: { endpoint: name } }),
  );
  await confirmByName(invocation, `Callers of ${name} will get 404`, name);
  await client.call('endpointDelete', { params: { endpoint: name } });
  if (flags.json === true) terminal.print(JSON.stringify({ deleted: name }));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ended ${name}; ${versionsText(endpoint)} stays registered`,
  );
  const [first] = endpoint.deployments;
  if (first !== undefined)
    terminal.note(`Bring it back   muster deploy ${first.model}:${first.version} --name ${name}`);
}
