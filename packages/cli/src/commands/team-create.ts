import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';

export interface TeamCreateFlags {
  readonly description?: string;
}

/** Makes a team. Nobody is in it yet, not even who made it. */
export async function teamCreate(invocation: Invocation, name: string, flags: TeamCreateFlags): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const team = await client.call('teamCreate', {
    body: { name, ...(flags.description === undefined ? {} : { description: flags.description }) },
  });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(team));
  else if (invocation.flags.output === 'name') terminal.print(team.name);
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} made team ${team.name}`);
  nextCommands(terminal, [['Add somebody', `${commandName(invocation)} role grant viewer NAME --team ${team.name}`]]);
}
