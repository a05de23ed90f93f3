import type { AuditEntry, Operation } from '@muster-ml/protocol';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AuditRoom, auditCallers, fillAudit, openAuditRoom, twinReport } from '../../test-support/audit-room.ts';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { eventually } from '../../test-support/eventually.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { auditRoutes } from './index.ts';
import { verdictBefore } from './verify-ledger.ts';

type CallerName = keyof typeof auditCallers;

describe.each(databaseKinds)('the audit API on %s', (kind) => {
  let opened: TestDatabase;
  let room: AuditRoom;
  let api: TestApi;

  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    room = await openAuditRoom(opened.database);
    api = openTestApi(auditCallers, auditRoutes(room.audit));
  });
  afterEach(async () => {
    await api.close();
    await room.close();
    await opened.close();
  });

  async function entries(as: CallerName, query = ''): Promise<AuditEntry[]> {
    const answer = await api.call('GET', `/audit/entries${query}`, undefined, { authorization: as });
    expect(answer.statusCode).toBe(200);
    return answer.json<{ items: AuditEntry[] }>().items;
  }

  test('a row that somebody edited hides no other one, claims nothing, and is seen by those who saw it before', async () => {
    await fillAudit(room);
    await tamper(`update ledger_entry set body = 'no JSON' where seq = 0`);
    await tamper(`update ledger_entry set body = (select body from ledger_entry where seq = 2) where seq = 1`);
    const found = await entries('auditor');
    expect(found.map(({ damage }) => damage)).toEqual([
      null,
      null,
      null,
      'the body is that of entry 2',
      'the body is not one that the ledger writes',
    ]);
    expect(found[4]).toMatchObject({ body: 'no JSON', action: 'unknown', actor: { id: '', name: null } });
    for (const [as, expected] of [
      ['scientist', 200],
      ['viewer', 404],
    ] as const) {
      const answer = await api.call('GET', '/audit/entries/0', undefined, { authorization: as });
      expect([as, answer.statusCode]).toEqual([as, expected]);
    }
  });

  describe('proving', () => {
    test('a proof holds all that an auditor needs; before a checkpoint there is none', async () => {
      await fillAudit(room);
      expect(await codeOf(api.call('GET', '/audit/entries/0/proof'))).toEqual([412, 'entry_not_anchored']);
      await api.call('POST', '/audit/checkpoint');
      const own = await api.call('GET', '/audit/entries/0/proof', undefined, { authorization: 'scientist' });
      expect(own.json()).toMatchObject({ seq: 0, path: ['AAAA'], note: 'muster/twin\n6\n', keys: ['key'] });
    });

    test('a checkpoint covers the entry of its own making', async () => {
      await fillAudit(room);
      const answer = await api.call('POST', '/audit/checkpoint', undefined, { authorization: 'admin' });
      expect(answer.json()).toMatchObject({ size: 6, published: [{ sink: 'file', ok: true, detail: null }] });
      const [newest] = await entries('auditor', '?limit=1');
      expect(newest).toMatchObject({ action: 'audit.checkpoint', actor: { id: 'dora' }, team: null });
      const list = await api.call('GET', '/audit/checkpoints?limit=1');
      expect(list.json()).toEqual({ items: [answer.json()] });
    });

    test('everybody who is signed in gets the public keys', async () => {
      const answer = await api.call('GET', '/audit/keys', undefined, { authorization: 'stranger' });
      expect(answer.json()).toEqual({ origin: 'muster/twin', keys: ['key'] });
    });

    test('only an admin of the installation replaces the key, and that is an entry', async () => {
      for (const as of ['auditor', 'scientist'])
        expect(await codeOf(api.call('POST', '/audit/keys', undefined, { authorization: as }))).toEqual([
          403,
          'not_allowed',
        ]);
      const answer = await api.call('POST', '/audit/keys', undefined, { authorization: 'admin' });
      expect(answer.json()).toEqual({ origin: 'muster/twin', keys: ['key', 'newer key'] });
      const [newest] = await entries('auditor', '?limit=1');
      expect(newest).toMatchObject({ action: 'audit.rotate-key', actor: { id: 'dora' }, team: null });
    });
  });

  test('who may not check, sign or export is refused, and nothing happens', async () => {
    for (const as of ['operator', 'scientist', 'viewer', 'stranger'] as const) {
      const headers = { authorization: as };
      const calls = [
        api.call('POST', '/audit/checkpoint', undefined, headers),
        api.call('POST', '/audit/verify', {}, headers),
        api.call('GET', '/audit/export', undefined, headers),
        api.call('GET', '/audit/checkpoints', undefined, headers),
      ];
      for (const call of calls) expect(await codeOf(call)).toEqual([403, 'not_allowed']);
    }
    expect(await codeOf(api.call('GET', '/audit/export', undefined, { authorization: 'admin' }))).toEqual([
      403,
      'not_allowed',
    ]);
    expect(await entries('auditor')).toEqual([]);
    expect(room.records.verified).toEqual([]);
  });

  describe('verifying', () => {
    async function start(body: object = {}): Promise<Operation> {
      const answer = await api.call('POST', '/audit/verify', body);
      expect(answer.statusCode).toBe(202);
      return answer.json<Operation>();
    }

    test('is an operation whose result is the report, and an entry', async () => {
      const notes = [{ source: 'kept.txt', note: 'a note' }];
      const operation = await start({ notes });
      expect(operation).toMatchObject({ kind: 'verify-ledger', subject: 'installation/ledger', state: 'running' });
      const ended = await room.ended(operation);
      expect(ended).toMatchObject({ state: 'succeeded', result: twinReport });
      expect(ended.progress).toBe('checked 1,000 of 2,000 entries');
      expect(room.records.verified[0]?.notes).toEqual(notes);
      const [entry] = await entries('auditor');
      expect(entry).toMatchObject({ action: 'audit.verify', ctx: { operation: operation.id, notes: 1 } });
    });

    test('judges what was there before it, not its own entry', () => {
      const report = { ...twinReport, outcome: 'unanchored' as const, size: 10, anchored: 9 };
      expect(verdictBefore(report, 9).outcome).toBe('ok');
      expect(verdictBefore(report, 8).outcome).toBe('ok');
      expect(verdictBefore({ ...report, anchored: 8 }, 9).outcome).toBe('unanchored');
      expect(verdictBefore(report, undefined).outcome).toBe('unanchored');
      expect(verdictBefore({ ...report, outcome: 'tampered' }, 9).outcome).toBe('tampered');
      expect(verdictBefore({ ...report, outcome: 'unreadable' }, 9).outcome).toBe('unreadable');
      expect(verdictBefore({ ...report, size: 1, anchored: 0 }, 0).outcome).toBe('unanchored');
    });

    test('takes one at a time; one that is cancelled while it waits ends at once and lets nobody pass', async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      room.records.held = promise;
      const [first, second, third] = [await start(), await start(), await start()];
      await eventually(() => room.records.verified.length === 1);
      expect((await room.operations.cancel(second.id)).state).toBe('cancelled');
      expect((await room.operations.get(third.id)).operation).toMatchObject({ progress: 'waiting for its turn' });
      expect(room.records.verified).toHaveLength(1);
      resolve();
      expect((await room.ended(first)).state).toBe('succeeded');
      expect((await room.ended(third)).state).toBe('succeeded');
    });

    test('that a restart cut off begins again, with its notes', async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      room.records.held = promise;
      const notes = [{ source: 'kept.txt', note: 'a note' }];
      const operation = await start({ notes });
      await eventually(() => room.records.verified.length === 1);
      setImmediate(resolve);
      room = await room.restart();
      expect((await room.ended(operation)).result).toEqual(twinReport);
      expect(room.records.verified[0]?.notes).toEqual(notes);
    });

    test('refuses too many notes, too long ones, and such as come from nowhere', async () => {
      for (const [notes, place] of [
        [Array.from({ length: 101 }, () => ({ source: 'a', note: 'b' })), 'body.notes'],
        [[{ source: 'a', note: 'x'.repeat(9000) }], 'body.notes[0].note'],
        [[{ note: 'x' }], 'body.notes[0].source'],
      ] as const) {
        const answer = await api.call('POST', '/audit/verify', { notes });
        expect([answer.statusCode, answer.json<{ place: string }>().place]).toEqual([400, place]);
      }
    });
  });

  async function tamper(statement: string): Promise<void> {
    await opened.database.inTransaction(async (tx) => {
      if (kind === 'sqlite') {
        await sql`drop trigger if exists ledger_entry_keeps_updates_out`.execute(tx);
        await sql.raw(statement).execute(tx);
      } else {
        await sql`alter table ledger_entry disable trigger all`.execute(tx);
        await sql.raw(statement).execute(tx);
        await sql`alter table ledger_entry enable trigger all`.execute(tx);
      }
    });
  }
});
