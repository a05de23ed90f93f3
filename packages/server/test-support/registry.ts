import { MusterError } from '@muster-ml/protocol';
import type { Caller, Identity } from '../src/identity/index.ts';

/** A caller with roles in teams. */
export function callerIn(teams: Readonly<Record<string, readonly string[]>>, id = 'alice'): Caller {
  return { actor: { id, kind: 'person', name: id, teams, tokenId: `token-${id}` }, requestId: `request-${id}` };
}

/** Identity by the simplest rule: members see their teams, `reader` may not change anything. */
export const simpleIdentity: Pick<Identity, 'authorize' | 'visibleTeams'> = {
  authorize(caller, action, resource) {
    const roles = resource.team === undefined ? ['reader'] : (caller.actor.teams[resource.team] ?? []);
    if (action.endsWith('.read') || roles.some((role) => role !== 'reader')) return;
    throw new MusterError('not_allowed', `${action} needs a role`);
  },
  visibleTeams: (actor) => Object.keys(actor.teams),
};
