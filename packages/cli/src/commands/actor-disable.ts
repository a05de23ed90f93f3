import { confirmByName } from '../context/confirm.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shellQuoted } from '../output/shell-quoted.ts';

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
  const actor = await client.call('actorUpdate', { params: { actor: name }, body: { disabled: true } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(actor));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} disabled ${actor.name}; its tokens do nothing`);
  nextCommands(terminal, [['Undo it', `${commandName(invocation)} actor enable ${shellQuoted(actor.name)}`]]);
}

/** Lets a disabled actor act again, with the tokens that it had. */
export async function actorEnable(invocation: Invocation, name: string): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const actor = await withNearest(
    client,
    'actor',
    name,
    async () => await client.call('actorUpdate', { params: { actor: name }, body: { disabled: false } }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(actor));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} enabled ${actor.name}; its tokens count again`);
}
