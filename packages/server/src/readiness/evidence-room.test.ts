import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { type EvidenceTestRoom, openEvidenceRoom } from '../../test-support/evidence-room.ts';
import { callerWith } from '../../test-support/identity.ts';
import { codeOf as refusalOf, openTestApi } from '../../test-support/test-api.ts';
import type { NewEvidence } from './contract.ts';
import { evidenceRoutes } from './evidence-routes.ts';
import { evidenceStore } from './evidence-store.ts';
import { waiverStore } from './waiver-store.ts';

const dan = callerWith({ id: 'dan', teams: { risk: ['data-scientist'] } });
const dora = callerWith({ id: 'dora', teams: { risk: ['data-scientist', 'approver'] } });
const olga = callerWith({ id: 'olga', teams: { risk: ['approver'] } });
const vera = callerWith({ id: 'vera', teams: { risk: ['viewer'] } });
const sam = callerWith({ id: 'sam', teams: { sales: ['data-scientist', 'approver'] } });
const robot = callerWith({ id: 'robot', kind: 'service', teams: { risk: ['data-scientist', 'approver'] } });
const [page, day] = [{ limit: 100 }, 86_400_000];
const reason = 'One runner until the new node is there.';
const statement = 'I opened it, and it says what to do.';
const runbook = 'https://wiki.example.org/fraud';

describe.each(databaseKinds)('evidence and waivers, on %s', (kind) => {
  let opened: TestDatabase;
  let room: EvidenceTestRoom;
  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    room = await openEvidenceRoom(opened.database);
    await room.addEndpoint('fraud', { runbook });
    await room.addEndpoint('churn');
    await room.addEndpoint('far', { kind: 'observed', runbook });
  });
  afterEach(async () => await opened.close());

  const codeOf = async (work: Promise<unknown>): Promise<string | undefined> =>
    await work.then(
      () => undefined,
      (error: unknown) => (error as { code?: string }).code,
    );
  const attest = async (check = 'R29', endpoint = 'fraud', caller = dan) =>
    await room.evidence.attest(caller, endpoint, { check, passed: true, statement, figures: {} });
  const inDays = (days: number): string => new Date(room.clock.now + days * day).toISOString();
  const request = async (check = 'R21', days = 30, caller = dan) =>
    await room.evidence.requestWaiver(caller, 'fraud', { check, reason, until: inDays(days) });
  const decide = async (waiver: string, step: 'approved' | 'rejected' | 'revoked', caller = olga) =>
    await room.evidence.decideWaiver(caller, 'fraud', waiver, { step, reason: 'The node is ordered.' });
  const states = async () => (await room.evidence.listWaivers(vera, 'fraud', page)).items.map(({ state }) => state);

  describe('evidence', () => {
    const found: NewEvidence = {
      endpoint: { id: 'e-fraud', name: 'fraud', team: 'risk' },
      check: 'R20',
      source: 'drill',
      model: 'churn',
      version: 3,
      passed: true,
      summary: 'p95 was 41 ms',
      figures: { p95Ms: 41.5, hadErrors: false, objective: 'p95<200ms' },
    };
    const record = async (more: Partial<NewEvidence> = {}) =>
      await opened.database.inTransaction(async (tx) => await room.evidence.record(tx, robot, { ...found, ...more }));

    it('of a drill is kept with its figures and its audit entry, which holds a digest only', async () => {
      const id = await record();
      expect((await room.evidence.list(vera, 'fraud', page)).items).toEqual([
        {
          id,
          endpoint: 'fraud',
          check: 'R20',
          source: 'drill',
          model: 'churn',
          version: 3,
          passed: true,
          summary: 'p95 was 41 ms',
          figures: found.figures,
          at: new Date(room.clock.now).toISOString(),
          by: { id: 'robot', name: 'ROBOT' },
          entry: 0,
        },
      ]);
      const [entry] = room.entries;
      expect(entry).toMatchObject({
        action: 'system.evidence.recorded',
        subject: { kind: 'endpoint', id: 'fraud' },
        team: 'risk',
        ctx: { endpoint: 'e-fraud', evidence: id, check: 'R20', passed: true, version: 3 },
        after: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      });
      expect(JSON.stringify(entry)).not.toContain('41');
      await record({ figures: { ...found.figures, p95Ms: 41.6 } });
      expect(room.entries[1]?.after).not.toBe(entry?.after);
      expect(room.changes.count).toBe(2);
    });

    it('is gone with the transaction that found it', async () => {
      const failed = opened.database.inTransaction(async (tx) => {
        await room.evidence.record(tx, robot, found);
        throw new Error('the drill broke');
      });
      await expect(failed).rejects.toThrow('the drill broke');
      expect((await room.evidence.list(vera, 'fraud', page)).items).toEqual([]);
    });

    it('that a person signed for names the page that the endpoint names now', async () => {
      expect(await attest()).toMatchObject({
        source: 'person',
        passed: true,
        summary: statement,
        figures: { runbook },
        model: null,
        by: { id: 'dan' },
      });
      expect(room.entries[0]).toMatchObject({ action: 'evidence.attest', ctx: { check: 'R29' } });
      expect(JSON.stringify(room.entries[0])).not.toContain('opened');
      expect(room.changes.count).toBeGreaterThan(0);
      expect(await codeOf(attest('R29', 'churn'))).toBe('check_not_attested');
    });

    it('is not taken from people where Muster finds it out itself, but where something else serves it', async () => {
      expect(await codeOf(attest('R07'))).toBe('check_not_attested');
      expect(await codeOf(attest('R19'))).toBe('check_not_attested');
      expect(await attest('R07', 'far')).toMatchObject({ check: 'R07', endpoint: 'far' });
      expect(await codeOf(attest('R23', 'far'))).toBe('check_not_attested');
      await expect(attest('R99')).rejects.toMatchObject({
        code: 'invalid_request',
        place: 'body.check',
        remedy: expect.stringContaining('R01, R02') as string,
      });
    });

    it('is signed for by people of the team who may', async () => {
      expect(await codeOf(attest('R29', 'fraud', robot))).toBe('not_allowed');
      expect(await codeOf(attest('R29', 'fraud', vera))).toBe('not_allowed');
      expect(await codeOf(attest('R29', 'fraud', sam))).toBe('endpoint_not_found');
      expect(await codeOf(attest('R29', 'none'))).toBe('endpoint_not_found');
      expect(room.entries).toEqual([]);
    });

    it('is listed newest first, page by page, by check', async () => {
      const ids = [await record(), await record({ check: 'R21' }), await record({ passed: false })];
      const first = await room.evidence.list(vera, 'fraud', { limit: 2 });
      expect(first.items.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
      const rest = await room.evidence.list(vera, 'fraud', { limit: 2, after: first.next });
      expect([rest.items.map(({ id }) => id), rest.next]).toEqual([[ids[0]], undefined]);
      const r21 = await room.evidence.list(vera, 'fraud', { ...page, check: 'R21' });
      expect(r21.items.map(({ id }) => id)).toEqual([ids[1]]);
      expect(await codeOf(room.evidence.list(sam, 'fraud', page))).toBe('endpoint_not_found');
      const caller = callerWith({ granted: ['fraud'] });
      expect(await codeOf(room.evidence.list(caller, 'fraud', page))).toBe('not_allowed');
    });

    it('that counts is the newest of each endpoint, check and source', async () => {
      const other = { id: 'e-churn', name: 'churn', team: 'risk' };
      await record();
      const ids = [await record({ passed: false }), await record({ endpoint: other })];
      room.clock.now += 1;
      ids.push((await attest()).id, await record({ check: 'R21' }));
      const newest = await evidenceStore.newest(opened.database.reader, ['e-fraud', 'e-churn', 'e-none']);
      expect(newest.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      expect(newest.find(({ id }) => id === ids[0])).toMatchObject({ passed: false, figures: found.figures });
    });
  });

  describe('a waiver', () => {
    it('is asked for by one, approved by another, and revoked, each written down and told', async () => {
      const asked = await request();
      expect(asked).toMatchObject({
        endpoint: 'fraud',
        team: 'risk',
        check: 'R21',
        reason,
        until: inDays(30),
        state: 'requested',
        requested: { by: { id: 'dan', name: 'DAN' } },
        decided: null,
      });
      expect(await decide(asked.id, 'approved')).toMatchObject({
        state: 'approved',
        decided: { by: { id: 'olga' }, reason: 'The node is ordered.' },
      });
      expect(await decide(asked.id, 'revoked', dora)).toMatchObject({
        state: 'revoked',
        decided: { by: { id: 'dora' } },
      });
      expect(room.entries.map(({ action, ctx }) => [action, ctx?.['state'], ctx?.['waiver']])).toEqual([
        ['waiver.request', 'requested', asked.id],
        ['waiver.decide', 'approved', asked.id],
        ['waiver.revoke', 'revoked', asked.id],
      ]);
      expect(room.entries.map(({ before }) => before)).toEqual([
        undefined,
        room.entries[0]?.after,
        room.entries[1]?.after,
      ]);
      expect(room.told.map(({ event, team, endpoint, title }) => [event, team, endpoint, title])).toEqual([
        ['waiver.requested', 'risk', 'fraud', 'Waiver of R21 asked for: fraud'],
        ['waiver.decided', 'risk', 'fraud', 'Waiver of R21 approved: fraud'],
        ['waiver.decided', 'risk', 'fraud', 'Waiver of R21 revoked: fraud'],
      ]);
      // What people wrote goes to nobody who may not see the endpoint.
      expect(JSON.stringify([room.told, room.entries])).not.toContain('node');
      expect(room.changes.count).toBe(2);
    });

    it('is never approved or rejected by who asked for it, nor by a program', async () => {
      const { id } = await request('R21', 30, dora);
      expect(await codeOf(decide(id, 'approved', dora))).toBe('not_allowed');
      expect(await codeOf(decide(id, 'rejected', dora))).toBe('not_allowed');
      expect(await codeOf(decide(id, 'approved', robot))).toBe('not_allowed');
      expect(await codeOf(decide(id, 'approved', dan))).toBe('not_allowed');
      expect(await states()).toEqual(['requested']);
    });

    it('is one at a time for a check, until it is decided or over', async () => {
      const { id } = await request();
      expect(await codeOf(request())).toBe('waiver_state');
      await request('R22');
      await decide(id, 'rejected');
      await request('R21', 1);
      room.clock.now += 2 * day;
      await request();
      expect(await states()).toEqual(['requested', 'expired', 'requested', 'rejected']);
    });

    it('is asked for once, also by two at the same time', async () => {
      const both = await Promise.allSettled([request(), request('R21', 20, dora)]);
      expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('ends by itself, and then nothing can be made of it', async () => {
      const [one, other] = [await request(), await request('R22')];
      await decide(one.id, 'approved');
      const approved = async () => await waiverStore.approved(opened.database.reader, ['e-fraud'], room.clock.now);
      expect((await approved()).map(({ id }) => id)).toEqual([one.id]);
      room.clock.now += 30 * day;
      expect(await approved()).toEqual([]);
      expect(await states()).toEqual(['expired', 'expired']);
      expect(await codeOf(decide(other.id, 'approved'))).toBe('waiver_state');
      expect(await codeOf(decide(one.id, 'revoked'))).toBe('waiver_state');
    });

    it('is refused for what is never waived, for a check that is none, and beyond its longest time', async () => {
      expect(await codeOf(request('R01'))).toBe('waiver_not_allowed');
      expect(await codeOf(request('R98'))).toBe('invalid_request');
      expect(await codeOf(request('R21', 91))).toBe('invalid_request');
      expect(await codeOf(request('R21', -1))).toBe('invalid_request');
      expect([room.entries, room.told]).toEqual([[], []]);
    });

    it('does not exist for who may not see its endpoint, nor under another one', async () => {
      const { id } = await request();
      expect(await codeOf(decide(id, 'approved', sam))).toBe('endpoint_not_found');
      expect(await codeOf(decide('none', 'approved'))).toBe('waiver_not_found');
      const elsewhere = { step: 'approved', reason: 'The node is ordered.' } as const;
      expect(await codeOf(room.evidence.decideWaiver(olga, 'churn', id, elsewhere))).toBe('waiver_not_found');
      expect(await codeOf(room.evidence.listWaivers(sam, 'fraud', page))).toBe('endpoint_not_found');
      expect(await codeOf(request('R21', 3, vera))).toBe('not_allowed');
    });

    it('is listed newest first, page by page', async () => {
      const ids = [(await request('R20')).id, (await request('R21')).id, (await request('R22')).id].toReversed();
      const first = await room.evidence.listWaivers(vera, 'fraud', { limit: 2 });
      const rest = await room.evidence.listWaivers(vera, 'fraud', { limit: 2, after: first.next });
      expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
    });
  });

  it('of a deleted endpoint, nothing is there any more', async () => {
    const { id } = await request();
    await opened.database.inTransaction(
      async (tx) => void (await sql`update endpoint set deleted_at = 5 where name = 'fraud'`.execute(tx)),
    );
    expect(await codeOf(decide(id, 'approved'))).toBe('endpoint_not_found');
    expect(await codeOf(attest())).toBe('endpoint_not_found');
  });

  it('are reached over the API', async () => {
    const api = openTestApi({ dan, olga, sam }, evidenceRoutes(room.evidence));
    const as = (who: string) => ({ authorization: who });
    const signed = await api.call('POST', '/endpoints/fraud/evidence', { check: 'R29', statement });
    expect([signed.statusCode, signed.json()]).toMatchObject([201, { check: 'R29', figures: { runbook } }]);
    expect((await api.call('GET', '/endpoints/fraud/evidence')).json()).toMatchObject({ items: [{ check: 'R29' }] });
    const wish = { check: 'R21', reason, until: inDays(3) };
    const asked = await api.call('POST', '/endpoints/fraud/waivers', wish);
    expect(asked.statusCode).toBe(201);
    const path = `/endpoints/fraud/waivers/${asked.json<{ id: string }>().id}`;
    const why = { reason: 'The node is ordered.' };
    expect(await refusalOf(api.call('POST', `${path}/approve`, why))).toEqual([403, 'not_allowed']);
    expect(await refusalOf(api.call('POST', `${path}/approve`, why, as('sam')))).toEqual([404, 'endpoint_not_found']);
    expect((await api.call('POST', `${path}/approve`, why, as('olga'))).json()).toMatchObject({ state: 'approved' });
    expect(await refusalOf(api.call('POST', `${path}/reject`, why, as('olga')))).toEqual([409, 'waiver_state']);
    expect((await api.call('POST', `${path}/revoke`, why, as('olga'))).statusCode).toBe(200);
    expect((await api.call('GET', '/endpoints/fraud/waivers')).json()).toMatchObject({ items: [{ state: 'revoked' }] });
    const short = { ...wish, reason: 'no' };
    expect(await refusalOf(api.call('POST', '/endpoints/fraud/waivers', short))).toEqual([400, 'invalid_request']);
    await api.close();
  });
});
