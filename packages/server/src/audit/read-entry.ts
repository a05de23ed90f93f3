import type { AuditEntry, EntryProof, MusterError } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { type ReadEntry, actorsIn, entryNotFound, readEntry, renderEntry } from './entry.ts';
import type { AuditParts } from './parts.ts';
import { visibleIn } from './visibility.ts';

type ReadParts = Pick<AuditParts, 'identity' | 'records'>;

/** One entry. Throws `entry_not_found`, also for one that the caller may not see. */
export async function getEntry(parts: ReadParts, caller: Caller, seq: number): Promise<AuditEntry> {
  const entry = await findEntry(parts, caller, seq);
  return renderEntry(entry, await parts.identity.namesOf(actorsIn(entry)));
}

/**
 * Proof that an entry is in the ledger. Throws `entry_not_found`, also for one that the caller may not see, and
 * `entry_not_anchored` where no checkpoint covers it yet.
 */
export async function proveEntry(parts: ReadParts, caller: Caller, seq: number): Promise<EntryProof> {
  await findEntry(parts, caller, seq);
  const { body, path, note, keys } = await parts.records.prove(seq);
  return { seq, body, path: [...path], note, keys: [...keys] };
}

/** Reads whatever has the number and judges then, so that what is hidden takes as long as what is not there. */
async function findEntry({ identity, records }: ReadParts, caller: Caller, seq: number): Promise<ReadEntry> {
  const [stored] = await records.search({ visible: '*' }, { before: seq + 1, limit: 1 });
  if (stored?.seq !== seq) throw entryNotFound(seq);
  const entry = readEntry(stored);
  if ('body' in entry) {
    const { team, actor, outcome } = entry.body;
    const missing = (): MusterError => entryNotFound(seq);
    // As in lists: refusals are not their actor's own.
    const owner = outcome === 'denied' ? undefined : actor.id;
    const resource = { kind: 'entry', id: String(seq), team: team ?? undefined, owner, missing } as const;
    identity.authorize(caller, 'audit.read', resource);
    return entry;
  }
  // Whose it was, only the search copies can say, as they do for lists.
  const visible = visibleIn(identity.scope(caller, 'audit.read'));
  const [seen] = await records.search({ visible }, { before: seq + 1, limit: 1 });
  if (seen?.seq !== seq) throw entryNotFound(seq);
  return entry;
}
