import type { NewEntry } from '../ledger/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { Caller } from './actor.ts';
import type { IdentityRoom } from './identity.ts';
import { ledgerActor } from './ledger-actor.ts';

/** What a change says of itself in the ledger; the rest is the caller's. */
export type ChangeEntry = Pick<NewEntry, 'action' | 'subject' | 'team'> & {
  readonly ctx?: Readonly<Record<string, unknown>>;
};

/**
 * The shape of every change of what anybody may do: the epoch first, so that writers wait for each other; then the change
 * and its audit entry in the same transaction; after the commit, gateways hear of it. `work` answers no entry where
 * nothing changed.
 */
export async function changeIdentity<R>(
  room: IdentityRoom,
  caller: Caller,
  work: (tx: Tx) => Promise<{ readonly result: R; readonly entry: ChangeEntry | undefined }>,
): Promise<R> {
  const { database, ledger } = room.parts;
  const { result, entry } = await database.inTransaction(async (tx) => {
    await room.store.bumpEpoch(tx);
    const done = await work(tx);
    if (done.entry !== undefined)
      await ledger.append(tx, {
        ...done.entry,
        actor: ledgerActor(caller),
        outcome: 'allowed',
        request: caller.requestId,
      });
    return done;
  });
  if (entry !== undefined) room.changed();
  return result;
}
