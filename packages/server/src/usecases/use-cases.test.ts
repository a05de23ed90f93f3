import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerWith, decidingIdentity } from '../../test-support/identity.ts';
import { type UseCasesRoom, answers, openUseCasesRoom, proposal } from '../../test-support/use-cases-room.ts';
import type { Caller } from '../identity/index.ts';
import { useCaseFor } from './index.ts';

const dan = callerWith({ id: 'dan', teams: { risk: ['data-scientist'] } });
const dora = callerWith({ id: 'dora', teams: { risk: ['data-scientist', 'approver'] } });
const olga = callerWith({ id: 'olga', teams: { risk: ['approver'] } });
const vera = callerWith({ id: 'vera', teams: { risk: ['viewer'] } });
const sam = callerWith({ id: 'sam', teams: { sales: ['data-scientist', 'approver'] } });
const robot = callerWith({ id: 'robot', kind: 'service', teams: { risk: ['approver'] } });
const reason = 'It pays for itself in a month.';
const page = { limit: 100 };

describe.each(databaseKinds)('use cases, on %s', (kind) => {
  let opened: TestDatabase;
  let room: UseCasesRoom;
  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    room = await openUseCasesRoom(opened.database);
  });
  afterEach(async () => await opened.close());

  const codeOf = async (work: Promise<unknown>): Promise<string | undefined> =>
    await work.then(
      () => undefined,
      (error: unknown) => (error as { code?: string }).code,
    );
  const propose = async (name = 'fraud-alerts', caller = dan) => await room.useCases.propose(caller, proposal(name));
  const reviewed = async (name = 'fraud-alerts') => {
    await propose(name);
    return await room.useCases.review(dan, name, answers());
  };
  const accepted = async (name = 'fraud-alerts') => {
    await reviewed(name);
    return await room.useCases.accept(olga, name, { riskTier: 'limited', reason });
  };
  const lastEntry = () => room.entries.at(-1);

  it('are proposed, reviewed, accepted and retired, each with its entry, and people are told', async () => {
    expect(await propose()).toMatchObject({
      state: 'proposed',
      revision: 1,
      review: null,
      decided: null,
      riskTier: null,
      proposed: { by: { id: 'dan', name: 'DAN' } },
    });
    expect(await room.useCases.review(dan, 'fraud-alerts', answers({ baseline: 'unknown' }))).toMatchObject({
      state: 'proposed',
      review: { advice: 'clarify', by: { id: 'dan' } },
    });
    const live = await room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'high', reason });
    expect(live).toMatchObject({ state: 'accepted', riskTier: 'high', decided: { as: 'accepted', reason, entry: 2 } });
    expect(await room.useCases.retire(olga, 'fraud-alerts', { reason })).toMatchObject({
      state: 'retired',
      riskTier: 'high',
      decided: { as: 'retired', entry: 3, by: { name: 'OLGA' } },
    });
    expect(room.entries.map(({ action, ctx }) => [action, ctx?.['as'] ?? ctx?.['advice'] ?? null])).toEqual([
      ['usecase.propose', null],
      ['usecase.review', 'clarify'],
      ['usecase.decide', 'accepted'],
      ['usecase.retire', 'retired'],
    ]);
    expect(room.told.map(({ event, team, title }) => [event, team, title])).toEqual([
      ['use-case.proposed', 'risk', 'Use case proposed: fraud-alerts'],
      ['use-case.decided', 'risk', 'Use case accepted: fraud-alerts'],
      ['use-case.decided', 'risk', 'Use case retired: fraud-alerts'],
    ]);
  });

  it('chain their entries: what one left is what the next found', async () => {
    await accepted();
    const [first, second, third] = room.entries;
    expect([second?.before, third?.before]).toEqual([first?.after, second?.after]);
    await room.useCases.update(dan, 'fraud-alerts', { baseline: 'by hand' }, undefined);
    expect(lastEntry()).toMatchObject({ before: third?.after, ctx: { fields: ['baseline'], isReviewVoid: false } });
  });

  it('leave nothing of what people wrote in the ledger, nor the reason in what is sent out', async () => {
    await room.useCases.propose(dan, proposal('fraud-alerts', { problem: 'PROBLEM', sponsor: 'SPONSOR' }));
    await room.useCases.review(dan, 'fraud-alerts', {
      ...answers(),
      rule: { answer: 'yes', note: 'NOTE' },
    });
    await room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'high', reason: 'THE REASON' });
    expect(JSON.stringify(room.entries)).not.toMatch(/PROBLEM|SPONSOR|NOTE|THE REASON|Find fraud/);
    expect(JSON.stringify(room.told)).not.toMatch(/PROBLEM|SPONSOR|NOTE|THE REASON/);
  });

  it('keep everything that was written, fractions and dates too', async () => {
    const wish = proposal('fraud-alerts', {
      supports: 'whether a payment waits',
      baseline: '60 %',
      metric: { name: 'fraud found', unit: 'percent', target: null, targetKnownBy: '2027-03-01' },
      value: { amount: 12.5, currency: 'EUR', per: 'fraud found' },
      sponsor: 'the head of risk',
      alternatives: 'more rules',
    });
    await room.useCases.propose(dan, wish);
    expect(await room.useCases.get(vera, 'fraud-alerts')).toMatchObject(wish);
  });

  it('may be accepted against the advice: people decide, and the entry says so', async () => {
    await propose();
    await room.useCases.review(dan, 'fraud-alerts', answers({ decision: 'no' }));
    expect(await room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'minimal', reason })).toMatchObject({
      state: 'accepted',
      review: { advice: 'decline' },
    });
    expect(lastEntry()?.ctx).toMatchObject({ as: 'accepted', advice: 'decline', riskTier: 'minimal' });
  });

  it('that are declined are proposed again by a new review, which tells people once more', async () => {
    await propose();
    expect(await room.useCases.decline(olga, 'fraud-alerts', { reason })).toMatchObject({ state: 'declined' });
    expect(await codeOf(room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'high', reason }))).toBe(
      'usecase_state',
    );
    expect(await room.useCases.review(dan, 'fraud-alerts', answers())).toMatchObject({
      state: 'proposed',
      decided: { as: 'declined' },
    });
    expect(lastEntry()?.ctx).toMatchObject({ isProposedAgain: true });
    expect(room.told.map(({ event }) => event)).toEqual(['use-case.proposed', 'use-case.decided', 'use-case.proposed']);
    expect(await room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'high', reason })).toMatchObject({
      state: 'accepted',
      decided: { as: 'accepted' },
    });
  });

  it('that changed after the review have to be reviewed again', async () => {
    await reviewed();
    expect(await room.useCases.update(dan, 'fraud-alerts', { problem: 'another' }, 2)).toMatchObject({
      review: null,
      revision: 3,
    });
    expect(lastEntry()?.ctx).toMatchObject({ fields: ['problem'], isReviewVoid: true });
    expect(await codeOf(room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'high', reason }))).toBe(
      'usecase_not_reviewed',
    );
  });

  it('are changed only as they were read, and a change of nothing leaves no trace', async () => {
    await propose();
    expect(await codeOf(room.useCases.update(dan, 'fraud-alerts', { title: 'new' }, 7))).toBe('stale_revision');
    const count = room.entries.length;
    expect(await room.useCases.update(dan, 'fraud-alerts', { title: 'Find fraud' }, 1)).toMatchObject({ revision: 1 });
    expect(room.entries).toHaveLength(count);
  });

  it('are decided by a person who did not propose them, nor proposed them again', async () => {
    await propose('own', dora);
    await room.useCases.review(dora, 'own', answers());
    const accept = async (caller: Caller, name = 'own') =>
      await codeOf(room.useCases.accept(caller, name, { riskTier: 'high', reason }));
    expect([await accept(dora), await accept(robot), await accept(dan)]).toEqual([
      'not_allowed',
      'not_allowed',
      'not_allowed',
    ]);
    await propose('again');
    await room.useCases.decline(dora, 'again', { reason });
    await room.useCases.review(dora, 'again', answers());
    expect(await accept(dora, 'again')).toBe('not_allowed');
    expect(await accept(olga, 'again')).toBeUndefined();
  });

  it('tell who explains decisions whose they are and who asked for them', async () => {
    await propose();
    expect(await room.useCases.resource('fraud-alerts')).toMatchObject({ team: 'risk', requesters: ['dan'] });
    expect(await room.useCases.resource('never-was')).toBeUndefined();
  });

  it('of two who decide at once have one decision', async () => {
    await reviewed();
    const results = await Promise.all([
      codeOf(room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'high', reason })),
      codeOf(room.useCases.decline(dora, 'fraud-alerts', { reason })),
    ]);
    expect(results.filter((code) => code === undefined)).toHaveLength(1);
    expect(results).toContain('usecase_state');
  });

  it('that are refused leave neither entry nor change', async () => {
    await propose();
    const [count, told] = [room.entries.length, room.told.length];
    expect(await codeOf(room.useCases.accept(olga, 'fraud-alerts', { riskTier: 'high', reason }))).toBe(
      'usecase_not_reviewed',
    );
    expect(await codeOf(room.useCases.retire(olga, 'fraud-alerts', { reason }))).toBe('usecase_state');
    expect([room.entries.length, room.told.length]).toEqual([count, told]);
  });

  it('have names of their own in the installation, also in teams that one may not see', async () => {
    await propose();
    expect(await codeOf(room.useCases.propose(sam, proposal('fraud-alerts', { team: 'sales' })))).toBe(
      'usecase_exists',
    );
  });

  it('are proposed in a team that there is and that one may see, and else there is none', async () => {
    const nowhere = callerWith({ id: 'adam', platformRoles: ['admin'], teams: { none: ['data-scientist'] } });
    expect(await codeOf(room.useCases.propose(dan, proposal('a', { team: 'sales' })))).toBe('team_not_found');
    expect(await codeOf(room.useCases.propose(nowhere, proposal('a', { team: 'none' })))).toBe('team_not_found');
    expect(await codeOf(room.useCases.propose(vera, proposal('a')))).toBe('not_allowed');
  });

  it('of a team that one may not see do not exist, for whatever one would do', async () => {
    await reviewed();
    const errorOf = async (name: string, work: (name: string) => Promise<unknown>): Promise<unknown> =>
      await work(name).then(
        () => 'done',
        (error: { code: string; message: string; remedy: string }) =>
          `${error.code}: ${error.message.replace(name, 'NAME')} ${error.remedy}`,
      );
    const works: readonly ((name: string) => Promise<unknown>)[] = [
      async (name) => await room.useCases.get(sam, name),
      async (name) => await room.useCases.update(sam, name, { title: 'x' }, 9),
      async (name) => await room.useCases.review(sam, name, answers()),
      async (name) => await room.useCases.accept(sam, name, { riskTier: 'high', reason }),
      async (name) => await room.useCases.decline(sam, name, { reason }),
      async (name) => await room.useCases.retire(sam, name, { reason }),
    ];
    for (const work of works) {
      const hidden = await errorOf('fraud-alerts', work);
      expect(hidden).toBe(await errorOf('never-was', work));
      expect(hidden).toContain('usecase_not_found');
    }
    expect((await room.useCases.list(sam, page)).items).toEqual([]);
  });

  it('are live while an endpoint of them answers, and are found by the state that is shown', async () => {
    for (const name of ['a', 'b', 'c']) await accepted(name);
    await propose('d');
    await room.addEndpoint('alerts', 'a', { isLive: true });
    await room.addEndpoint('trial', 'b');
    await room.addEndpoint('elsewhere', 'd', { isLive: true });
    const namesIn = async (state?: 'accepted' | 'live' | 'proposed' | 'retired') =>
      (await room.useCases.list(vera, { ...page, state })).items.map(({ name, state: shown }) => `${name} ${shown}`);
    expect(await namesIn()).toEqual(['a live', 'b accepted', 'c accepted', 'd proposed']);
    expect(await namesIn('live')).toEqual(['a live']);
    expect(await namesIn('accepted')).toEqual(['b accepted', 'c accepted']);
    expect(await namesIn('proposed')).toEqual(['d proposed']);
    expect(await namesIn('retired')).toEqual([]);
    await room.stop('alerts');
    expect(await namesIn('live')).toEqual([]);
    expect((await room.useCases.get(vera, 'a')).state).toBe('accepted');
  });

  it('name those of their endpoints that one may see, without those of other teams', async () => {
    await accepted();
    await room.addEndpoint('seen', 'fraud-alerts');
    await room.addEndpoint('hidden', 'fraud-alerts', { team: 'sales' });
    expect((await room.useCases.get(vera, 'fraud-alerts')).endpoints).toEqual(['seen']);
    const both = callerWith({ id: 'bob', teams: { risk: ['viewer'], sales: ['viewer'] } });
    expect((await room.useCases.get(both, 'fraud-alerts')).endpoints).toEqual(['hidden', 'seen']);
    const limited = callerWith({ id: 'vera', teams: { risk: ['viewer'] }, token: { actions: ['usecase.read'] } });
    expect((await room.useCases.get(limited, 'fraud-alerts')).endpoints).toEqual([]);
  });

  it('are listed page by page, by name and by team', async () => {
    for (const name of ['c', 'a', 'b']) await propose(name);
    await room.useCases.propose(sam, proposal('d', { team: 'sales' }));
    const first = await room.useCases.list(dan, { limit: 2 });
    expect(first.items.map(({ name }) => name)).toEqual(['a', 'b']);
    const second = await room.useCases.list(dan, { limit: 2, after: first.next });
    expect([second.items.map(({ name }) => name), second.next]).toEqual([['c'], undefined]);
    expect((await room.useCases.list(dan, { ...page, team: 'sales' })).items).toEqual([]);
  });

  it('are there for endpoints of their team, unless declined or retired', async () => {
    const use = async (name: string, team = 'risk', caller = dan) =>
      await opened.database.inTransaction(
        async (tx) => await useCaseFor({ identity: decidingIdentity() }, tx, caller, name, team),
      );
    await propose();
    expect(await use('fraud-alerts')).toMatchObject({ name: 'fraud-alerts' });
    await expect(use('nope')).rejects.toMatchObject({ code: 'usecase_not_found', place: 'body.useCase' });
    await expect(use('fraud-alerts', 'sales', sam)).rejects.toMatchObject({
      code: 'usecase_not_found',
      message: 'there is no use case fraud-alerts',
    });
    const both = callerWith({ id: 'bob', teams: { risk: ['viewer'], sales: ['operator'] } });
    await expect(use('fraud-alerts', 'sales', both)).rejects.toMatchObject({
      code: 'usecase_unfit',
      message: 'fraud-alerts is of team risk, the endpoint of sales',
    });
    await room.useCases.decline(olga, 'fraud-alerts', { reason });
    await expect(use('fraud-alerts')).rejects.toMatchObject({ code: 'usecase_unfit' });
    await accepted('other');
    expect(await use('other')).toMatchObject({ name: 'other' });
    await room.useCases.retire(olga, 'other', { reason });
    await expect(use('other')).rejects.toMatchObject({ code: 'usecase_unfit', message: 'other is retired' });
  });
});
