import { dayMs } from '@muster-ml/protocol';
import { type KyselyPlugin, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { modelOf } from '../../test-support/planned-endpoint.ts';
import { type ReadinessRoom, now, openReadinessRoom } from '../../test-support/readiness-room.ts';
import { loadFacts } from './load-facts.ts';

const hourMs = 3_600_000;
const hourOf = (time: number): number => time - (time % hourMs);

describe.each(databaseKinds)('facts on %s', (kind) => {
  let opened: TestDatabase;
  let room: ReadinessRoom;
  let count = 0;
  let name = '';
  let id = '';
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openReadinessRoom(opened.database);
  });
  afterAll(async () => await opened.close());
  beforeEach(async () => {
    room.clock.now = now;
    name = `fraud-${(count += 1)}`;
    id = await room.addEndpoint(name);
  });

  const load = async (version?: number, at = now) => {
    const loaded = await loadFacts(opened.database.reader, [id], { environment: 'prod', now: at, version });
    const one = loaded.get(id);
    if (one === undefined) throw new Error(`${name} is not there`);
    return one.facts;
  };
  const addUse = async (
    actor: string,
    at: number,
    more: { version?: number; requests?: number; errors?: number } = {},
  ) => {
    const { version = 1, requests = 1, errors = 0 } = more;
    await room.run(sql`insert into usage_hour (endpoint, hour, team, actor, model, version, requests, client_errors,
        server_errors, refused, row_count, run_ms, last_at)
      values (${name}, ${hourOf(at)}, 'risk', ${actor}, ${modelOf(name)}, ${String(version)}, ${requests}, 0, ${errors}, 0, 1, 1, ${at})`);
  };
  const allow = async (subjectKind: string, subject: string) =>
    await room.run(sql`insert into endpoint_access (endpoint, subject_kind, subject, created_at, created_by)
      values (${name}, ${subjectKind}, ${subject}, ${now - 50 * dayMs}, 'ana')`);

  test('cost as many queries for many endpoints as for one, and leave out what is deleted', async () => {
    let queries = 0;
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        queries += 1;
        return await Promise.resolve(result);
      },
    };
    const reader = opened.database.reader.withPlugin(counting);
    const ids: string[] = [];
    for (let at = 0; at < 30; at += 1) {
      name = `fraud-${(count += 1)}`;
      const of = await room.addEndpoint(name);
      ids.push(of);
      await allow('actor', 'bob');
      await allow('team', 'sales');
      await room.addCandidate(name, 2);
      await room.run(
        sql`update endpoint_history set until_at = ${now} where name = ${name} and role = 'live'`,
        sql`update deployment set version = 2 where endpoint = ${of} and role = 'live'`,
      );
    }
    const countOf = async (some: readonly string[]): Promise<number> => {
      queries = 0;
      const loaded = await loadFacts(reader, some, { environment: 'prod', now });
      expect(loaded.size).toBe(some.length);
      for (const { facts } of loaded.values()) expect(facts.comparisons).not.toEqual([]);
      return queries;
    };
    const one = await countOf(ids.slice(0, 1));
    expect(await countOf(ids)).toBe(one);
    expect(one).toBeLessThan(25);
    await room.run(sql`update endpoint set deleted_at = 1 where id = ${ids[0]}`);
    expect([...(await loadFacts(reader, ids.slice(0, 2), { environment: 'prod', now })).keys()]).toEqual([ids[1]]);
    expect((await loadFacts(reader, [], { environment: 'prod', now })).size).toBe(0);
  });

  test('say whether nothing else ever was live', async () => {
    expect(await load()).toMatchObject({ isFirstVersion: true, version: { number: 1 } });
    await room.addCandidate(name, 2);
    expect(await load()).toMatchObject({ isFirstVersion: true });
    expect(await load(2)).toMatchObject({
      isFirstVersion: false,
      version: { number: 2 },
      deployment: { role: 'canary' },
    });
    await room.promote(name);
    expect(await load()).toMatchObject({ isFirstVersion: false, version: { number: 2 }, deployment: { role: 'live' } });
  });

  test('know nothing of a version that is not under the endpoint', async () => {
    expect(await load(3)).toMatchObject({ version: null, deployment: null, subjectDigest: '' });
  });

  test('count for a canary what it answered itself, over all hours and callers', async () => {
    await room.addCandidate(name, 2, 'canary', 12);
    await addUse('bob', now + hourMs, { version: 2, requests: 30, errors: 4 });
    await addUse('cleo', now + hourMs, { version: 2, requests: 8, errors: 1 });
    await addUse('bob', now + hourMs, { version: 1, requests: 500 });
    await addUse('dan', now - 2 * hourMs, { version: 2, requests: 900 });
    expect((await load(2)).comparisons).toEqual([{ role: 'canary', from: now, until: null, requests: 50, errors: 5 }]);
    expect((await load()).comparisons).toEqual([]);
  });

  test('count for a shadow what the endpoint answered, of which it got copies', async () => {
    await room.addCandidate(name, 2, 'shadow', 7);
    await addUse('bob', now + hourMs, { requests: 30 });
    room.clock.now = now + hourMs * 3;
    await room.promote(name);
    await addUse('bob', now + 5 * hourMs, { version: 2, requests: 1000 });
    const { comparisons } = await load();
    expect(comparisons).toEqual([
      { role: 'shadow', from: now, until: now + 3 * hourMs, requests: 37, errors: expect.any(Number) as number },
    ]);
  });

  test('name who may call it, whether they still can, and when they last did', async () => {
    await allow('actor', 'bob');
    await allow('actor', 'dan');
    await allow('team', 'sales');
    await addUse('bob', now - 3 * dayMs);
    await addUse('bob', now - 2 * dayMs);
    await addUse('eve', now - dayMs);
    await addUse('dan', now - 100 * dayMs);
    await room.run(sql`update actor set disabled_at = 1 where id = 'dan'`);
    const { access } = await load();
    await room.run(sql`update actor set disabled_at = null where id = 'dan'`);
    expect(access.map(({ subject, isAlive, usedAt }) => [subject, isAlive, usedAt])).toEqual([
      ['bob', true, now - 2 * dayMs],
      ['dan', false, null],
      ['sales', true, now - dayMs],
    ]);
  });

  test('a team without anybody who can sign in is not there', async () => {
    await room.run(sql`insert into team (name, created_at) values (${`t-${name}`}, 0)`);
    await allow('team', `t-${name}`);
    expect((await load()).access).toMatchObject([{ isAlive: false, usedAt: null }]);
  });

  test('know when the owner was here last: with any token, or when one was made', async () => {
    expect((await load()).owner).toMatchObject({
      id: 'ana',
      isActive: true,
      isMember: true,
      isPerson: true,
      seenAt: now - dayMs,
    });
    await room.run(sql`update token set last_used_at = ${now - 5} where id = 't-ana'`);
    expect((await load()).owner).toMatchObject({ seenAt: now - 5 });
    await room.run(sql`update endpoint set owner = 'eve' where id = ${id}`);
    expect((await load()).owner).toMatchObject({ id: 'eve', isMember: false });
    await room.run(sql`update endpoint set owner = 'nobody' where id = ${id}`);
    expect((await load()).owner).toBeNull();
  });

  describe('the sample', () => {
    const proven = async () => (await load()).deployment?.sampleProvenAt;
    const set = async (what: ReturnType<typeof sql>) =>
      await room.run(sql`update deployment set ${what} where endpoint = ${id}`);
    const served = now - 20 * dayMs;

    test('is proven by each replica that answers, and by the one that did so first', async () => {
      await room.run(sql`insert into replica (id, deployment, runner, runner_kind, is_leaving, created_at, ready_at)
        values (${`second-${name}`}, ${`d-${name}-0`}, 'pack-0', 'pack', 0, 1, ${now})`);
      await set(sql`settings = '{"replicas":2}'`);
      expect(await proven()).toBe(served);
    });

    test('stays proven while a replica loads again and nothing is wrong', async () => {
      await room.run(sql`update replica set ready_at = null where deployment = ${`d-${name}-0`}`);
      await set(sql`state = 'unready'`);
      expect(await proven()).toBe(served);
    });

    test('is not proven any more once a load failed', async () => {
      await set(sql`state = 'unready', problem = '{"code":"sample_differs","detail":"other answers"}'`);
      expect(await load()).toMatchObject({ deployment: { sampleProvenAt: null, problem: { code: 'sample_differs' } } });
      await room.run(sql`update replica set ready_at = null where deployment = ${`d-${name}-0`}`);
      await set(sql`state = 'unready', problem = null, attempts = 1`);
      expect(await proven()).toBeNull();
    });

    test('is not proven where none came with the version', async () => {
      await room.run(sql`insert into model_version (id, model, number, runtime, digest, size, signature, facts, sample_digest,
          description, tags, created_at, created_by)
        select ${`w-${name}-bare`}, model, 4, runtime, digest, size, signature, facts, null, '', '{}', 1, 'ana'
        from model_version where model = ${`m-${name}`} and number = 1`);
      await set(sql`version = 4`);
      expect(await load()).toMatchObject({ version: { hasSample: false }, deployment: { sampleProvenAt: null } });
    });
  });
});
