import { createHash } from 'node:crypto';
import { copyFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SecretVariables } from '@muster-ml/protocol';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { callerWith } from '../../test-support/identity.ts';
import { type SecretsRoom, openSecretsRoom } from '../../test-support/secrets-room.ts';
import type { Database } from '../platform/database/index.ts';
import type { SecretValues } from './index.ts';
import { createKeyring } from './keyring.ts';

const olga = callerWith({ id: 'olga', teams: { risk: ['operator'], sales: ['operator'] } });
const dan = callerWith({ id: 'dan', teams: { risk: ['data-scientist'] } });
const vera = callerWith({ id: 'vera', teams: { risk: ['viewer'] } });
const adam = callerWith({ id: 'adam', platformRoles: ['admin'] });
const key = { team: 'risk', name: 'api-key' };
const use: SecretVariables = { API_KEY: 'secret://risk/api-key' };
const first = 'the-first-value';
const second = 'another-value';

describe.each(databaseKinds)('secrets, on %s', (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let room: SecretsRoom;
  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    database = opened.database;
    room = await openSecretsRoom(database);
    await room.secrets.start();
  });
  afterEach(async () => {
    await room.close();
    await opened.close();
  });

  const set = async (value: string, name = key) => await room.secrets.set(olga, name, { value });
  const values = async (variables = use, id = 'd1'): Promise<SecretValues> =>
    await room.secrets.values({ kind: 'deployment', id, endpoint: 'fraud' }, variables);
  const execute = async (statement: string): Promise<void> =>
    await database.inTransaction(async (tx) => void (await sql.raw(statement).execute(tx)));
  /** Everything that the database holds. */
  const dump = async (): Promise<string> => {
    const tables = ['secret', 'secret_version', 'secret_canary', 'secret_use', 'ledger_entry', 'operation', 'setting'];
    const rows = await Promise.all(
      tables.map(async (table) => (await sql`select * from ${sql.table(table)}`.execute(database.reader)).rows),
    );
    return JSON.stringify(rows, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
  };

  it('are set, shown without their value, and handed out with the newest', async () => {
    expect(await set(first)).toMatchObject({
      reference: 'secret://risk/api-key',
      version: 1,
      kind: 'text',
      usedBy: [],
    });
    expect(await values()).toEqual({ API_KEY: first });
    expect(await set(second)).toMatchObject({ version: 2, versions: [{ version: 2 }, { version: 1, setBy: 'olga' }] });
    expect(await values()).toEqual({ API_KEY: second });
    expect(JSON.stringify(await room.secrets.list(vera, { limit: 10 }))).not.toMatch(/the-first|another-value/);
  });

  it('are nowhere in the database or the ledger, neither as they are nor as a digest of them', async () => {
    await set(first);
    await values();
    const all = await dump();
    for (const form of [
      first,
      Buffer.from(first).toString('base64'),
      createHash('sha256').update(first).digest('hex'),
      createHash('sha256').update(first).digest().toString('latin1'),
    ])
      expect(all).not.toContain(form);
    expect(JSON.stringify(room.entries)).not.toContain(first);
  });

  it('of before are destroyed when a new value is set', async () => {
    await set(first);
    await set(second);
    const { rows } = await sql<{
      number: number;
    }>`select number from secret_version where ciphertext is not null`.execute(database.reader);
    expect(rows.map(({ number }) => number)).toEqual([2]);
  });

  it('carry bytes that are no text as base64, and text that was sent as base64 as text', async () => {
    const bytes = Buffer.from([0, 255, 1, 254, 0]);
    const kindOf = async (given: Buffer) =>
      (await room.secrets.set(olga, key, { base64: given.toString('base64') })).kind;
    expect(await kindOf(bytes)).toBe('binary');
    expect(await values()).toEqual({ API_KEY: bytes.toString('base64') });
    expect(await kindOf(Buffer.from('öffentlich\n'))).toBe('text');
    expect(await values()).toEqual({ API_KEY: 'öffentlich\n' });
  });

  it('are set by several at once: each gets a number of its own, and the last one counts', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, async (_, index) => await set(`value-${index}`)));
    expect(all).toHaveLength(5);
    expect((await room.secrets.get(olga, key)).version).toBe(5);
    expect((await values())['API_KEY']).toMatch(/^value-\d$/);
  });

  it('tell in the ledger who set, deleted and first used them, once a deployment and version', async () => {
    await set(first);
    await values();
    await values();
    await values(use, 'd2');
    await set(second);
    await values();
    await room.secrets.delete(olga, key, undefined);
    expect(
      room.entries.map(({ action, actor, ctx }) => [action, actor.id, ctx?.['version'], ctx?.['deployment']]),
    ).toEqual([
      ['secret.set', 'olga', 1, undefined],
      ['secret.use', 'reconciler', 1, 'd1'],
      ['secret.use', 'reconciler', 1, 'd2'],
      ['secret.set', 'olga', 2, undefined],
      ['secret.use', 'reconciler', 2, 'd1'],
      ['secret.delete', 'olga', undefined, undefined],
    ]);
    expect(room.entries.every(({ subject }) => subject.kind === 'secret' && subject.id === 'risk/api-key')).toBe(true);
  });

  it('may be used by whoever holds secret.use in their team, and are not there for others', async () => {
    await set(first);
    await set(first, { team: 'sales', name: 'crm' });
    await expect(room.secrets.authorizeUse(dan, use)).resolves.toBeUndefined();
    await expect(room.secrets.authorizeUse(vera, use)).rejects.toMatchObject({ code: 'not_allowed' });
    const hidden = await room.secrets.authorizeUse(dan, { CRM: 'secret://sales/crm' }).catch((error: unknown) => error);
    const absent = await room.secrets.authorizeUse(dan, { CRM: 'secret://sales/nil' }).catch((error: unknown) => error);
    expect(hidden).toMatchObject({ code: 'secret_not_found', place: 'body.settings.secrets.CRM' });
    expect(String(absent)).toBe(String(hidden).replace('crm', 'nil'));
  });

  it('are not deleted while a deployment refers to them, unless that is forced by name', async () => {
    await set(first);
    const user = {
      endpoint: 'fraud',
      team: 'risk',
      deployment: 'd1',
      variable: 'API_KEY',
      reference: use['API_KEY'] ?? '',
    };
    room.users.push(user);
    await expect(room.secrets.delete(olga, key, undefined)).rejects.toMatchObject({
      code: 'secret_in_use',
      message: 'secret://risk/api-key is used by fraud',
    });
    await expect(room.secrets.delete(olga, key, 'other')).rejects.toMatchObject({ code: 'invalid_request' });
    expect((await room.secrets.get(olga, key)).usedBy).toEqual([
      { endpoint: 'fraud', deployment: 'd1', variable: 'API_KEY' },
    ]);
    await room.secrets.delete(olga, key, 'api-key');
    await expect(values()).rejects.toMatchObject({ code: 'secret_not_found' });
  });

  it('do not name endpoints that the caller may not see', async () => {
    await set(first);
    room.users.push({
      endpoint: 'hidden',
      team: 'hr',
      deployment: 'd9',
      variable: 'X',
      reference: use['API_KEY'] ?? '',
    });
    expect((await room.secrets.get(olga, key)).usedBy).toEqual([]);
    const refusal = await room.secrets.delete(olga, key, undefined).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'secret_in_use' });
    expect(JSON.stringify(refusal) + String(refusal)).not.toContain('hidden');
  });

  it('that are made anew under the same name do not open what the deleted one held', async () => {
    await set(first);
    const { rows } = await sql<{ id: string }>`select id from secret`.execute(database.reader);
    await room.secrets.delete(olga, key, undefined);
    await set(second);
    const { rows: anew } = await sql<{ id: string }>`select id from secret`.execute(database.reader);
    expect(anew[0]?.id).not.toBe(rows[0]?.id);
    expect(await values()).toEqual({ API_KEY: second });
  });

  const columns =
    'kek_id = b.kek_id, wrapped_key = b.wrapped_key, nonce = b.nonce, ciphertext = b.ciphertext, tag = b.tag';
  const flipped = (column: string): string =>
    kind === 'sqlite'
      ? `update secret_version set ${column} = unhex(case when hex(${column}) like '00%' then '01' else '00' end || substr(hex(${column}), 3))`
      : `update secret_version set ${column} = set_byte(${column}, 0, get_byte(${column}, 0) # 1)`;

  it.each([
    [
      'swapped with that of another secret',
      `update secret_version as a set ${columns} from secret_version as b where b.secret <> a.secret`,
    ],
    ['moved to another team', `update secret set team = 'sales' where team = 'risk' and name = 'api-key'`],
    ['given another version', 'update secret_version set number = 7'],
    ['changed in its value', flipped('ciphertext')],
    ['changed in its tag', flipped('tag')],
    ['changed in its nonce', flipped('nonce')],
    ['changed in its key', flipped('wrapped_key')],
    ['said to be under another key', `update secret_version set kek_id = '0123456789abcdef'`],
  ])('do not open after a row was %s', async (_what, statement) => {
    await set(first);
    await set(second, { team: 'risk', name: 'other' });
    if (statement.includes('number = 7')) await execute('update secret set last_number = 7');
    await execute(statement);
    const team = statement.includes("'sales'") ? 'sales' : 'risk';
    const failure = await values({ API_KEY: `secret://${team}/api-key` }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'secret_unreadable' });
    expect(String(failure)).not.toMatch(/the-first|another-value/);
    expect(room.entries.filter(({ action }) => action === 'secret.use')).toEqual([]);
  });

  describe('the key', () => {
    const many = async (count: number): Promise<SecretVariables> => {
      const names = Array.from({ length: count }, (_, index) => `s${index}`);
      for (const name of names) await set(`value-of-${name}`, { team: 'risk', name });
      return Object.fromEntries(names.map((name) => [name.toUpperCase(), `secret://risk/${name}`]));
    };
    const keysInUse = async (): Promise<readonly string[]> => {
      const { rows } = await sql<{ kek_id: string }>`select kek_id from secret_version where kek_id is not null
        union select kek_id from secret_canary`.execute(database.reader);
      return rows.map((row) => row.kek_id);
    };
    const rotate = async () => await room.ended((await room.secrets.rotateKey(adam)).id);

    it('is replaced: every data key is wrapped anew, and every value opens', async () => {
      const variables = await many(3);
      const before = await values(variables);
      const [old] = await keysInUse();
      const { rows: ciphertexts } = await sql`select ciphertext from secret_version order by secret`.execute(
        database.reader,
      );
      const operation = await rotate();
      expect(operation).toMatchObject({ state: 'succeeded', kind: 'rotate-key', result: { wrapped: 3 } });
      expect(await keysInUse()).toEqual([operation.result?.['key']]);
      expect(operation.result?.['key']).not.toBe(old);
      expect(await values(variables)).toEqual(before);
      const { rows: after } = await sql`select ciphertext from secret_version order by secret`.execute(database.reader);
      expect(after).toEqual(ciphertexts);
      room.reopen();
      await expect(room.secrets.start()).resolves.toBeUndefined();
      expect(room.entries.at(-1)).toMatchObject({ action: 'secret.rotate', actor: { id: 'adam' }, team: null });
    });

    it('is not replaced by whoever may not', async () => {
      await expect(room.secrets.rotateKey(olga)).rejects.toMatchObject({ code: 'not_allowed' });
    });

    it('is replaced completely, wherever the process was killed meanwhile', async () => {
      const variables = await many(2);
      const before = await values(variables);
      for (let survived = 0; survived < 4; survived += 1) {
        // Another process on the same data whose transactions, from one on, never happen.
        let left = survived;
        room.reopen({
          database: {
            ...database,
            reader: database.reader,
            inTransaction: async (work) =>
              left-- > 0 ? await database.inTransaction(work) : await new Promise<never>(() => {}),
          },
        });
        const killed = room.secrets.rotateKey(adam).catch(() => {});
        await Promise.race([killed, until(() => left < 0)]);
        await until(() => left < 0);
        room.reopen();
        await room.secrets.start();
        for (const { operation } of await interruptedOf(database)) await room.ended(operation);
        const inUse = await keysInUse();
        expect(inUse, `after ${survived} transactions`).toHaveLength(1);
        expect(await values(variables)).toEqual(before);
      }
    });

    it('is replaced for all the others where one row was tampered with, and the failure names it', async () => {
      const variables = await many(2);
      await execute(
        `update secret_version set wrapped_key = tag where secret = (select id from secret where name = 's0')`,
      );
      const [old] = await keysInUse();
      expect(await rotate()).toMatchObject({ state: 'failed', problem: { code: 'secret_unreadable' } });
      expect((await keysInUse()).toSorted()).toHaveLength(2);
      expect(await values({ S1: variables['S1'] ?? '' })).toEqual({ S1: 'value-of-s1' });
      await set('value-of-s0', { team: 'risk', name: 's0' });
      expect(await rotate()).toMatchObject({ state: 'succeeded' });
      expect(await keysInUse()).not.toContain(old);
      expect(await values(variables)).toEqual({ S0: 'value-of-s0', S1: 'value-of-s1' });
    });

    it('lets nothing start while it is missing, and all again once it is back', async () => {
      await set(first);
      await rename(room.keyFile, `${room.keyFile}.away`);
      room.reopen();
      await expect(room.secrets.start()).rejects.toMatchObject({
        code: 'secret_key_missing',
        place: 'secrets.keyFile',
      });
      await rename(`${room.keyFile}.away`, room.keyFile);
      await room.secrets.start();
      expect(await values()).toEqual({ API_KEY: first });
    });

    it('lets nothing start where it is that of another database', async () => {
      await set(first);
      await rm(room.keyFile);
      const stranger = await openSecretsRoom(database);
      await stranger.secrets.start().catch(() => {});
      await createKeyring(stranger.keyFile).activeOrFirst();
      await copyFile(stranger.keyFile, room.keyFile);
      await stranger.close();
      room.reopen();
      await expect(room.secrets.start()).rejects.toMatchObject({ code: 'secret_key_wrong' });
    });

    it('that is lost costs nothing while no value is kept, as after a restore without it', async () => {
      await rm(room.keyFile);
      room.reopen();
      await room.secrets.start();
      await set(first);
      expect(await values()).toEqual({ API_KEY: first });
    });

    it('that is lost may be given up with all values, which is an entry, and the secrets wait to be set', async () => {
      await set(first);
      await rm(room.keyFile);
      room.reopen({ forgetLost: true });
      await room.secrets.start();
      expect(room.entries.at(-1)).toMatchObject({ action: 'system.secret-key-lost', ctx: { valuesLost: 1 } });
      expect((await room.secrets.list(olga, { limit: 10 })).items).toHaveLength(1);
      await expect(values()).rejects.toMatchObject({ code: 'secret_unreadable' });
      await set(second);
      expect(await values()).toEqual({ API_KEY: second });
    });

    it('has older ones beside it, by which what a backup holds still opens', async () => {
      await set(first);
      const [old] = await keysInUse();
      await rotate();
      expect(await readdir(dirname(room.keyFile))).toContain(old);
      await rename(join(dirname(room.keyFile), old ?? ''), join(dirname(room.keyFile), 'away'));
      room.reopen();
      await expect(room.secrets.start()).resolves.toBeUndefined();
      expect(await values()).toEqual({ API_KEY: first });
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Operations that still run, as the process that took them up has them. */
async function interruptedOf(database: Database): Promise<readonly { readonly operation: string }[]> {
  const { rows } = await sql<{
    operation: string;
  }>`select id as operation from operation where state = 'running'`.execute(database.reader);
  return rows;
}
