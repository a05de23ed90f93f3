import type { AuditEntry } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditRoom, auditCallers, fillAudit, openAuditRoom } from '../../test-support/audit-room.ts';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { type TestApi, openTestApi } from '../../test-support/test-api.ts';
import { auditRoutes } from './index.ts';

type CallerName = keyof typeof auditCallers;

describe.each(databaseKinds)('reading the audit on %s', (kind) => {
  let opened: TestDatabase;
  let room: AuditRoom;
  let api: TestApi;

  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openAuditRoom(opened.database);
    api = openTestApi(auditCallers, auditRoutes(room.audit));
    await fillAudit(room);
  });
  afterAll(async () => {
    await api.close();
    await room.close();
    await opened.close();
  });

  async function entries(as: CallerName, query = ''): Promise<AuditEntry[]> {
    const answer = await api.call('GET', `/audit/entries${query}`, undefined, { authorization: as });
    expect(answer.statusCode).toBe(200);
    return answer.json<{ items: AuditEntry[] }>().items;
  }
  const seqs = (found: readonly AuditEntry[]): number[] => found.map(({ seq }) => seq);

  test('an auditor sees every entry, newest first, with the names that identity knows', async () => {
    const found = await entries('auditor');
    expect(seqs(found)).toEqual([4, 3, 2, 1, 0]);
    expect(found[1]).toMatchObject({
      actor: { kind: 'person', id: 'mallory', name: null },
      subject: { kind: 'actor', id: 'bob', name: 'Bob' },
      outcome: 'denied',
    });
    expect(found[4]).toMatchObject({
      actor: { id: 'alice', name: 'Alice', token: 't9' },
      subject: { kind: 'endpoint', id: 'fraud', name: null },
      team: 'risk',
      ctx: { version: 3 },
      damage: null,
    });
    expect(JSON.parse(found[4]?.body ?? '')).toMatchObject({ seq: 0, at: Date.parse(found[4]?.at ?? '') });
  });

  test('reading leaves no entry', async () => {
    await entries('auditor');
    await api.call('GET', '/audit/entries/1');
    expect(await entries('auditor')).toHaveLength(5);
  });

  test('others see the entries of the teams where their role says so, and what they did themselves', async () => {
    expect(seqs(await entries('operator'))).toEqual([4, 3, 1, 0]);
    expect(seqs(await entries('scientist'))).toEqual([0]);
    // What it was refused would tell it that there is something.
    expect(seqs(await entries('stranger'))).toEqual([]);
    expect(seqs(await entries('viewer'))).toEqual([]);
    expect(seqs(await entries('admin'))).toEqual([]);
  });

  test('a token that is limited to a team sees no entry outside it', async () => {
    expect(seqs(await entries('limited'))).toEqual([1]);
  });

  test('what a list shows can be read one by one, and nothing else', async () => {
    for (const as of Object.keys(auditCallers) as CallerName[]) {
      const listed = seqs(await entries(as));
      const headers = { authorization: as };
      for (let seq = 0; seq < 5; seq++) {
        const answer = await api.call('GET', `/audit/entries/${seq}`, undefined, headers);
        expect([as, seq, answer.statusCode]).toEqual([as, seq, listed.includes(seq) ? 200 : 404]);
      }
    }
  });

  test('an entry that may not be seen is answered as one that is not there', async () => {
    const headers = { authorization: 'viewer' };
    for (const what of ['', '/proof']) {
      const [hidden, missing] = await Promise.all(
        [1, 5].map(async (seq) => {
          const answer = await api.call('GET', `/audit/entries/${seq}${what}`, undefined, headers);
          const { requestId: _, ...problem } = answer.json<{ detail: string; requestId?: string }>();
          return { status: answer.statusCode, ...problem, detail: problem.detail.replace(String(seq), 'N') };
        }),
      );
      expect(hidden).toEqual(missing);
      expect(hidden).toMatchObject({ status: 404, code: 'entry_not_found' });
    }
  });

  test('pages give every entry once', async () => {
    const seen: number[] = [];
    let after = '';
    do {
      const answer = await api.call('GET', `/audit/entries?limit=2${after}`);
      const { items, next } = answer.json<{ items: AuditEntry[]; next?: string }>();
      seen.push(...seqs(items));
      after = next === undefined ? '' : `&after=${next}`;
    } while (after !== '');
    expect(seen).toEqual([4, 3, 2, 1, 0]);
  });

  test('filters add up', async () => {
    expect(seqs(await entries('auditor', '?actor=Bob'))).toEqual([4, 1]);
    expect(seqs(await entries('auditor', '?actor=bob'))).toEqual([4, 1]);
    expect(seqs(await entries('auditor', '?actor=nobody'))).toEqual([]);
    expect(seqs(await entries('auditor', '?action=system.first-start'))).toEqual([2]);
    expect(seqs(await entries('auditor', '?subject=actor/bob'))).toEqual([3]);
    expect(seqs(await entries('auditor', '?outcome=denied'))).toEqual([3]);
    expect(seqs(await entries('auditor', '?outcome=allowed&subject=endpoint/fraud'))).toEqual([4, 2, 1, 0]);
    const [newest] = await entries('auditor', '?limit=1');
    const [later, now] = [Date.parse(newest?.at ?? '') + 1, newest?.at ?? ''];
    expect(seqs(await entries('auditor', `?from=${new Date(later).toISOString()}`))).toEqual([]);
    expect(seqs(await entries('auditor', `?until=${new Date(later).toISOString()}`))).toEqual([4, 3, 2, 1, 0]);
    expect(seqs(await entries('auditor', `?until=${now}`))).not.toContain(4);
  });

  test('a query that makes no sense is refused, with the place and what is right', async () => {
    for (const [query, place, says] of [
      ['subject=fraud', 'query.subject', 'KIND/ID'],
      ['action=endpoint.deplo', 'query.action', 'is `endpoint.deploy` meant?'],
      ['outcome=maybe', 'query.outcome', 'allowed'],
      ['from=yesterday', 'query.from', 'query.from'],
      ['from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z', 'query.until', 'not after'],
      ['after=x', 'query.after', 'cursor'],
      ['actr=x', 'query', 'the nearest known one is `actor`'],
    ] as const) {
      const answer = await api.call('GET', `/audit/entries?${query}`);
      expect([answer.statusCode, answer.json<{ place: string }>().place]).toEqual([400, place]);
      expect(answer.json<{ detail: string }>().detail).toContain(says);
    }
  });
});
