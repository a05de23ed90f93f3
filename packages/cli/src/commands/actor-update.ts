import type { ActorDetail } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';

type Change = { readonly name: string } | { readonly disabled: boolean };

/** Changes an actor and says what was done, in words about the actor as it is now. */
export async function actorUpdate(
  invocation: Invocation,
  name: string,
  change: Change,
  done: (actor: ActorDetail) => string,
): Promise<ActorDetail> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const actor = await withNearest(
    client,
    'actor',
    name,
    async () => await client.call('actorUpdate', { params: { actor: name }, body: change }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(actor));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} ${done(actor)}`);
  return actor;
}
