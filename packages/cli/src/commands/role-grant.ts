import { type RolePlaceFlags, placeText, readRolePlace } from '../context/role-place.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shellQuoted } from '../output/shell-quoted.ts';

/** Gives an actor a role in a team or in the installation. It counts with the next request. */
export async function roleGrant(
  invocation: Invocation,
  role: string,
  actor: string,
  flags: RolePlaceFlags,
): Promise<void> {
  const { terminal } = invocation;
  const place = await readRolePlace(role, flags);
  const client = await invocation.client();
  const holder = await withNearest(client, 'actor', actor, async () =>
    place.kind === 'team'
      ? await withNearest(
          client,
          'team',
          place.team,
          async () => await client.call('roleGrant', { params: { team: place.team, actor, role: place.role } }),
        )
      : await client.call('platformRoleGrant', { params: { actor, role: place.role } }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(holder));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} ${holder.name} holds ${role} ${placeText(place)}`);
  nextCommands(terminal, [['See it', `${commandName(invocation)} actor show ${shellQuoted(holder.name)}`]]);
}
