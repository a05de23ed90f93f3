import { UsageError } from '../usage-error.ts';

export interface RolePlaceFlags {
  readonly team?: string;
  readonly installation?: boolean;
}

/** Where a role is held: in one team, or in the whole installation. */
export type RolePlace =
  | { readonly kind: 'team'; readonly team: string; readonly role: TeamRole }
  | { readonly kind: 'installation'; readonly role: InstallationRole };

type TeamRole = (typeof import('@muster-ml/protocol').roles)[number];
type InstallationRole = (typeof import('@muster-ml/protocol').platformRoles)[number];

/** Reads a role and where it is meant. Throws `UsageError` for a role that is none, or is not held there. */
export async function readRolePlace(role: string, flags: RolePlaceFlags): Promise<RolePlace> {
  const { team, installation = false } = flags;
  if (installation === (team !== undefined))
    throw new UsageError(
      installation ? 'a role is held in a team or in the installation' : 'where is the role held?',
      'Say either --team TEAM or --installation.',
      '--team',
    );
  const { nearestName, platformRoles, roles } = await import('@muster-ml/protocol');
  const known = roles.find((one) => one === role);
  if (known === undefined) {
    const near = nearestName(role, roles);
    throw new UsageError(
      `there is no role \`${role}\``,
      near === undefined ? `Roles are ${roles.join(', ')}.` : `Write \`${near}\`.`,
      'role',
    );
  }
  if (team !== undefined) return { kind: 'team', team, role: known };
  const platform = platformRoles.find((one) => one === known);
  if (platform !== undefined) return { kind: 'installation', role: platform };
  throw new UsageError(
    `${known} is held in teams`,
    `Say --team TEAM. For the installation there are ${platformRoles.join(' and ')}.`,
    '--installation',
  );
}

/** `in search`, `in the installation`. */
export function placeText(place: RolePlace): string {
  return place.kind === 'team' ? `in ${place.team}` : 'in the installation';
}
