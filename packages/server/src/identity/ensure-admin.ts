import type { IdentityParts } from './identity.ts';
import type { IdentityStore } from './store.ts';
import { newToken, tokenDigest } from './token.ts';

/** The team that the first start makes. */
const defaultTeam = 'default';

/** See `IdentityRoom.ensureAdmin`. */
export async function ensureAdmin(
  parts: IdentityParts,
  store: IdentityStore,
  options: { readonly name: string; readonly renew: boolean },
): Promise<string | undefined> {
  const { database, ledger, clock, newId } = parts;
  const known = await store.firstAdmin();
  if (known !== undefined && !options.renew) return undefined;
  const token = newToken('personal');
  const actor = known ?? newId();
  const installation = newId();
  const id = newId();
  const now = clock.now();
  await database.inTransaction(async (tx) => {
    if (known === undefined)
      await store.createFirstAdmin(tx, { installation, actor, actorName: options.name, team: defaultTeam, now });
    await store.addToken(tx, {
      id,
      digest: tokenDigest(token),
      actor,
      kind: 'personal',
      note: 'saved by muster up',
      last4: token.slice(-4),
      actions: null,
      resources: null,
      expiresAt: null,
      createdBy: null,
      now,
    });
    await store.bumpEpoch(tx);
    await ledger.append(tx, {
      actor: { kind: 'system', id: 'supervisor' },
      action: known === undefined ? 'system.first-start' : 'system.admin-token',
      subject: { kind: 'actor', id: actor },
      team: defaultTeam,
      outcome: 'allowed',
      request: 'start',
      ctx: { token: id },
    });
  });
  return token;
}
