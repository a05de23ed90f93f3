import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';

/** Gives an actor another name; its tokens, roles and access rules stay. */
export async function actorRename(invocation: Invocation, name: string, newName: string): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const actor = await withNearest(
    client,
    'actor',
    name,
    async () => await client.call('actorUpdate', { params: { actor: name }, body: { name: newName } }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(actor));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} ${name} is ${actor.name} now`);
}
