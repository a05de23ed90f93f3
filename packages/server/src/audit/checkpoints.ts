import { type LedgerCheckpoint, type LedgerKeys, MusterError, type Page } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { Checkpoint } from '../ledger/index.ts';
import type { AuditParts } from './parts.ts';
import { ledgerResource, useOfLedger } from './use-of-ledger.ts';

/** Signs and publishes a checkpoint over all entries; that it was asked for is the last of them. */
export async function makeCheckpoint(
  { identity, database, ledger, records }: Pick<AuditParts, 'identity' | 'database' | 'ledger' | 'records'>,
  caller: Caller,
): Promise<LedgerCheckpoint> {
  identity.authorize(caller, 'audit.checkpoint', ledgerResource);
  await database.inTransaction(async (tx) => await ledger.append(tx, useOfLedger(caller, 'audit.checkpoint')));
  const made = await records.checkpoint();
  if (made === undefined) throw new MusterError('internal_error', 'a ledger with an entry gave no checkpoint');
  return renderCheckpoint(made);
}

/** The newest checkpoints. */
export async function listCheckpoints(
  { identity, records }: Pick<AuditParts, 'identity' | 'records'>,
  caller: Caller,
  limit: number,
): Promise<Page<LedgerCheckpoint>> {
  identity.authorize(caller, 'audit.verify', ledgerResource);
  return { items: (await records.checkpoints(limit)).map(renderCheckpoint) };
}

/** The public keys: no secret, and the more people have them the better. */
export async function readKeys(
  { identity, records }: Pick<AuditParts, 'identity' | 'records'>,
  caller: Caller,
): Promise<LedgerKeys> {
  identity.authorize(caller, 'installation.read', ledgerResource);
  return await newestKeys(records);
}

async function newestKeys(records: AuditParts['records']): Promise<LedgerKeys> {
  const { origin, keys } = await records.keys();
  return { origin, keys: [...keys] };
}

/**
 * Signs with a new key from now on. That it was asked for is an entry, and so is the change, which the old key signs: who
 * pinned the old one follows to the new one.
 */
export async function rotateKey(
  { identity, database, ledger, records }: Pick<AuditParts, 'identity' | 'database' | 'ledger' | 'records'>,
  caller: Caller,
): Promise<LedgerKeys> {
  identity.authorize(caller, 'audit.rotate-key', ledgerResource);
  await database.inTransaction(async (tx) => await ledger.append(tx, useOfLedger(caller, 'audit.rotate-key')));
  await records.rotateKey();
  return await newestKeys(records);
}

function renderCheckpoint({ size, note, at, published }: Checkpoint): LedgerCheckpoint {
  return {
    size,
    note,
    at: new Date(at).toISOString(),
    published: published.map((one) => ({
      sink: one.sink,
      at: new Date(one.at).toISOString(),
      ok: one.ok,
      detail: one.detail ?? null,
    })),
  };
}
