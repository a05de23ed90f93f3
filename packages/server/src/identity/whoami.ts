import type { whoamiSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from './actor.ts';
import type { IdentityRoom } from './identity.ts';

/** Who calls, and what the token that was used leaves of it. */
export function whoami(room: IdentityRoom, caller: Caller): z.infer<typeof whoamiSchema> {
  const { actor } = caller;
  room.authorize(caller, 'self.read', { kind: 'actor', id: actor.id, owner: actor.id });
  return {
    id: actor.id,
    kind: actor.kind,
    name: actor.name,
    teams: Object.fromEntries(Object.entries(actor.teams).map(([team, roles]) => [team, [...roles]])),
    platformRoles: [...actor.platformRoles],
    token:
      actor.token === undefined
        ? null
        : {
            id: actor.token.id,
            expiresAt: actor.token.expiresAt === null ? null : new Date(actor.token.expiresAt).toISOString(),
            actions: actor.token.actions === null ? null : [...actor.token.actions],
            resources: actor.token.resources === null ? null : [...actor.token.resources],
          },
  };
}
