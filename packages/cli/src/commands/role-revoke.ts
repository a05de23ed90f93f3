import { confirmByName } from '../context/confirm.ts';
import { type RolePlaceFlags, placeText, readRolePlace } from '../context/role-place.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';

/** Takes a role back, as far as it was given by hand. It counts with the next request. */
export async function roleRevoke(
  invocation: Invocation,
  role: string,
  actor: string,
  flags: RolePlaceFlags,
): Promise<void> {
  const { terminal } = invocation;
  const place = await readRolePlace(role, flags);
  const client = await invocation.client();
  await confirmByName(invocation, `${actor} will not be ${role} ${placeText(place)}`, actor);
  const { holder, sources } = await withNearest(client, 'actor', actor, async () => {
    if (place.kind === 'installation')
      return {
        holder: await client.call('platformRoleRevoke', { params: { actor, role: place.role } }),
        sources: [],
      };
    const member = await client.call('roleRevoke', { params: { team: place.team, actor, role: place.role } });
    return { holder: member, sources: member.roles.find((held) => held.role === place.role)?.sources ?? [] };
  });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(holder));
  if (sources.length > 0)
    return terminal.warn(
      `${terminal.symbols.warning} ${holder.name} still holds ${role} ${placeText(place)}: it comes from ${sources.join(' and ')}, too`,
    );
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ${holder.name} does not hold ${role} ${placeText(place)} any more`,
  );
}
