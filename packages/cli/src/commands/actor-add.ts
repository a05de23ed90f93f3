import type { Invocation } from '../invocation.ts';
import { kindText } from '../output/actor-text.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import { UsageError } from '../usage-error.ts';

export interface ActorAddFlags {
  readonly service?: boolean;
  readonly team?: string;
}

/** Adds a person, or a service account of a team. Neither may do anything before it has a role, and a token. */
export async function actorAdd(invocation: Invocation, name: string, flags: ActorAddFlags): Promise<void> {
  const { terminal } = invocation;
  const { service = false, team } = flags;
  if (service && team === undefined)
    throw new UsageError('a service account belongs to a team', 'Name it with --team.', '--team');
  if (!service && team !== undefined)
    throw new UsageError(
      'only a service account belongs to a team',
      'Add the person without --team, then give a role: muster role grant ROLE NAME --team TEAM. A service account needs --service.',
      '--team',
    );
  const client = await invocation.client();
  const actor = await client.call('actorCreate', {
    body: { name, kind: service ? 'service' : 'person', ...(team === undefined ? {} : { team }) },
  });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(actor));
  else if (invocation.flags.output === 'name') terminal.print(actor.name);
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} added ${actor.name}, ${kindText(actor)}`);
  const muster = commandName(invocation);
  const quoted = shellQuoted(actor.name);
  nextCommands(terminal, [
    ['Give a role', `${muster} role grant viewer ${quoted} --team ${team ?? 'TEAM'}`],
    ['Make a token', `${muster} token create --for ${quoted} --output-file token.txt`],
  ]);
}
