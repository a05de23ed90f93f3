import type { Caller } from './actor.ts';
import { changeIdentity } from './change-identity.ts';
import type { IdentityRoom } from './identity.ts';
import { newToken, tokenDigest } from './token.ts';
import { revoke } from './token-store.ts';

/** A token that the server makes for work of its own in somebody's name; it leaves the server for its gateways only. */
export interface EndpointToken {
  readonly id: string;
  readonly token: string;
}

export interface EndpointTokenWish {
  /** The only endpoint that it is for. */
  readonly endpoint: { readonly name: string; readonly team: string };
  readonly note: string;
  readonly lifeMs: number;
}

/**
 * Makes a token in the name of the caller that can do nothing but call one endpoint, for a short time. It gives nothing that
 * the caller does not have: they must be allowed to call it themselves. Throws `not_allowed`.
 */
export async function makeEndpointToken(
  room: IdentityRoom,
  caller: Caller,
  { endpoint, note, lifeMs }: EndpointTokenWish,
): Promise<EndpointToken> {
  room.authorize(caller, 'endpoint.predict', { kind: 'endpoint', id: endpoint.name, team: endpoint.team });
  const { clock, newId } = room.parts;
  const token = newToken('endpoint');
  const now = clock.now();
  const made = {
    id: newId(),
    actor: caller.actor.id,
    kind: 'endpoint',
    note,
    last4: token.slice(-4),
    actions: ['endpoint.predict'],
    resources: [`endpoint/${endpoint.name}`],
    expiresAt: now + lifeMs,
  } as const;
  await changeIdentity(room, caller, async (tx) => {
    await room.store.addToken(tx, { ...made, digest: tokenDigest(token), createdBy: caller.actor.id, now });
    const { actor, kind, actions, resources, expiresAt } = made;
    return {
      result: undefined,
      entry: {
        action: 'token.create',
        subject: { kind: 'token', id: made.id },
        team: endpoint.team,
        ctx: { actor, kind, expiresAt, actions, resources, note },
      },
    };
  });
  return { id: made.id, token };
}

/** Ends a token of `makeEndpointToken`; ending it again changes nothing. */
export async function endEndpointToken(room: IdentityRoom, caller: Caller, id: string, team: string): Promise<void> {
  await changeIdentity(room, caller, async (tx) => {
    const isChanged = await revoke(tx, id, room.parts.clock.now());
    const entry = {
      action: 'token.revoke',
      subject: { kind: 'token', id },
      team,
      ctx: { actor: caller.actor.id },
    } as const;
    return { result: undefined, entry: isChanged ? entry : undefined };
  });
}
