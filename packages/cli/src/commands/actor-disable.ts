import type { ActorDetail } from '@muster-ml/protocol';
import { confirmByName } from '../context/confirm.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import { actorUpdate } from './actor-update.ts';

/** Ends what an actor may do, without forgetting who it was: its tokens do nothing until it is enabled again. */
export async function actorDisable(invocation: Invocation, name: string): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const { name: known } = await withNearest(
    client,
    'actor',
    name,
    async () => await client.call('actorGet', { params: { actor: name } }),
  );
  await confirmByName(invocation, `Every token of ${known} will be refused`, known);
  const done = (one: ActorDetail): string => `disabled ${one.name}; its tokens do nothing`;
  const actor = await actorUpdate(invocation, name, { disabled: true }, done);
  nextCommands(terminal, [['Undo it', `${commandName(invocation)} actor enable ${shellQuoted(actor.name)}`]]);
}

/** Lets a disabled actor act again, with the tokens that it had. */
export async function actorEnable(invocation: Invocation, name: string): Promise<void> {
  await actorUpdate(invocation, name, { disabled: false }, (actor) => `enabled ${actor.name}; its tokens count again`);
}
