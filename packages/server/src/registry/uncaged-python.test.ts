import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { createIdentity } from '../identity/index.ts';
import type { IdentityTables } from '../identity/tables.ts';
import { createLedger } from '../ledger/index.ts';
import { createIds, systemClock } from '../platform/clock/index.ts';
import { createUncagedPythonGuard } from './uncaged-python.ts';

describe.each(databaseKinds)('Python without a cage, on %s', (kind) => {
  let opened: TestDatabase;
  beforeEach(async () => {
    opened = await openTestDatabase(kind);
  });
  afterEach(async () => await opened.close());

  const newId = createIds(systemClock);
  const identity = () =>
    createIdentity({
      database: opened.database,
      ledger: createLedger({ clock: systemClock }),
      clock: systemClock,
      newId,
      environment: 'dev',
    });
  const guard = (level: string) =>
    createUncagedPythonGuard({
      isolation: () => ({ level, advice: 'Install bubblewrap.' }),
      countPersonsWithTokens: async () => await identity().countPersonsWithTokens(),
    });
  const join = async (actorKind: 'person' | 'service', token: Partial<IdentityTables['token']> = {}) => {
    const actor = newId();
    await opened.database.inTransaction(async (plain) => {
      const tx = plain.withTables<IdentityTables>();
      const named = { id: actor, kind: actorKind, name: actor, folded_name: actor, created_at: 1 };
      await tx
        .insertInto('actor')
        .values({ ...named, team: null, disabled_at: null })
        .execute();
      const row = { id: newId(), digest: newId(), actor, kind: 'personal', last4: 'abcd', created_at: 1 } as const;
      const unlimited = { note: '', actions: null, resources: null, created_by: null };
      await tx
        .insertInto('token')
        .values({ ...row, ...unlimited, expires_at: null, revoked_at: null, last_used_at: null, ...token })
        .execute();
    });
  };

  test('it runs for who is alone, whatever else has a token or had one', async () => {
    await identity().ensureAdmin({ name: 'ana', renew: false });
    await identity().ensureAdmin({ name: 'ana', renew: true });
    await join('service');
    await join('person', { revoked_at: 2 });
    await join('person', { expires_at: 3 });
    expect(await identity().countPersonsWithTokens()).toBe(1);
    await expect(guard('none')()).resolves.toBeUndefined();
  });

  test('it is refused once a second person has a token, with the way out; in a cage it is not', async () => {
    await identity().ensureAdmin({ name: 'ana', renew: false });
    await join('person', { expires_at: Date.now() + 3_600_000 });
    await expect(guard('none')()).rejects.toMatchObject({ code: 'isolation_too_weak', remedy: 'Install bubblewrap.' });
    await expect(guard('namespaces')()).resolves.toBeUndefined();
  });
});
