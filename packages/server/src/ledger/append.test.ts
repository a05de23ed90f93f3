import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { createLedger } from './append.ts';
import type { NewEntry } from './entry.ts';

type Tables = {
  ledger_entry: {
    seq: number;
    at: number;
    actor_id: string;
    action: string;
    subject_id: string;
    team_id: string | null;
    body: string;
    leaf: Uint8Array;
  };
};

const clock = { now: () => 1_700_000_000_000, after: () => () => {} };
const entry = (id: string): NewEntry => ({
  actor: { kind: 'person', id: 'actor-1', token: 'token-1' },
  action: 'model.create',
  subject: { kind: 'model', id },
  team: 'default',
  outcome: 'allowed',
  request: 'request-1',
  after: 'a'.repeat(64),
  ctx: { note: 'Grüße', count: 2 },
});

describe.each(databaseKinds)('the ledger on %s', (kind) => {
  let opened: TestDatabase;
  const ledger = createLedger({ clock });

  beforeEach(async () => {
    opened = await openTestDatabase(kind);
  });
  afterEach(async () => {
    await opened.close();
  });

  const entries = async () =>
    await opened.database.reader.withTables<Tables>().selectFrom('ledger_entry').selectAll().orderBy('seq').execute();

  test('keeps the body as canonical JSON, its leaf, and copies to search by', async () => {
    await opened.database.inTransaction((tx) => ledger.append(tx, entry('m')));
    const [row] = await entries();
    const body =
      '{"action":"model.create","actor":{"id":"actor-1","kind":"person","token":"token-1"},"after":"' +
      'a'.repeat(64) +
      '","at":1700000000000,"ctx":{"count":2,"note":"Grüße"},"outcome":"allowed","request":"request-1","seq":0,"subject":{"id":"m","kind":"model"},"team":"default","v":1}';
    expect(row).toMatchObject({
      seq: 0,
      at: 1_700_000_000_000,
      actor_id: 'actor-1',
      action: 'model.create',
      subject_id: 'm',
      team_id: 'default',
      body,
    });
    const leaf = createHash('sha256')
      .update(Buffer.concat([Buffer.of(0), Buffer.from(body)]))
      .digest('hex');
    expect(Buffer.from(row?.leaf ?? []).toString('hex')).toBe(leaf);
  });

  test('numbers entries without a gap, whatever of the concurrent transactions fails', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) =>
        opened.database.inTransaction(async (tx) => {
          await ledger.append(tx, entry(String(i)));
          if (i % 4 === 0) throw new Error('changed my mind');
        }),
      ),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(30);
    const rows = await entries();
    expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(new Set(rows.map((row) => row.subject_id)).size).toBe(30);
    for (const row of rows) expect((JSON.parse(row.body) as { seq: number }).seq).toBe(row.seq);
  });
});
