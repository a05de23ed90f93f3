import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { type LedgerRoom, openLedgerRoom } from '../../test-support/ledger/ledger-room.ts';
import type { LedgerTables } from './tables.ts';

const withoutGuard = {
  sqlite: 'drop trigger ledger_entry_keeps_updates_out',
  postgresql: 'drop trigger ledger_entry_only_grows on ledger_entry',
};
const separator = '\x1f';
const entry = {
  actor: { kind: 'person', id: 'ana' },
  action: 'alias.set',
  subject: { kind: 'model', id: 'churn' },
  team: null,
  outcome: 'allowed',
  request: 'request',
} as const;

describe.each(databaseKinds)('the search copies of an entry on %s', (kind) => {
  let room: LedgerRoom;

  beforeEach(async () => {
    room = await openLedgerRoom(kind);
  });
  afterEach(async () => {
    await room.records.stop();
    await room.close();
  });

  async function append(actorId: string): Promise<void> {
    await room.test.database.inTransaction(
      async (tx) => await room.ledger.append(tx, { ...entry, actor: { kind: 'person', id: actorId } }),
    );
    await room.records.checkpoint();
  }

  async function findingsWith(copies: Partial<LedgerTables['ledger_entry']>): Promise<readonly string[]> {
    await room.test.database.inTransaction(async (tx) => {
      await sql.raw(withoutGuard[kind]).execute(tx);
      await tx.withTables<LedgerTables>().updateTable('ledger_entry').set(copies).where('seq', '=', 0).execute();
    });
    return (await room.records.verify({})).findings;
  }

  test.each([
    ['time', { at: 5 }],
    ['actor', { actor_id: 'ben' }],
    ['action', { action: 'alias.move' }],
    ['subject', { subject_kind: 'models' }],
    ['subject', { subject_id: '' }],
    ['team', { team_id: '' }],
    ['team', { team_id: '-' }],
    ['outcome', { outcome: 'denied' }],
    ['copy', { actor_id: `ana${separator}alias.set`, action: 'model' }],
  ])('that were changed are found: %s, %j', async (which, copies) => {
    await append('ana');
    expect((await room.records.verify({})).outcome).toBe('ok');
    expect(await findingsWith(copies)).toEqual([`entry 0 has another ${which} in its search column`]);
  });

  test('are compared one by one where the body holds the separator', async () => {
    await append(`ana${separator}alias.set`);
    expect((await room.records.verify({})).outcome).toBe('ok');
    const moved = { actor_id: 'ana', action: `alias.set${separator}alias.set` };
    expect(await findingsWith(moved)).toEqual(['entry 0 has another actor in its search column']);
  });
});
