import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import { chunksOf, createStillClock, openTestObjects } from '../../test-support/objects.ts';
import { type BackupLease, createBackupLease } from './lease.ts';

const day = 86_400_000;

describe.each(databaseKinds)('the lease of a backup on %s', (kind) => {
  let opened: TestDatabase;
  let lease: BackupLease;
  const clock = createStillClock();
  beforeEach(async () => {
    opened = await openTestDatabase(kind);
    lease = createBackupLease({ database: opened.database, clock });
    await lease.prepare();
  });
  afterEach(async () => {
    await opened.close();
  });

  const take = async (holder: string): Promise<void> =>
    await opened.database.inTransaction(async (tx) => await lease.take(tx, holder));
  const release = async (holder: string): Promise<void> =>
    await opened.database.inTransaction(async (tx) => await lease.release(tx, holder));

  test('is held by one at a time, until it is released or runs out', async () => {
    await take('one');
    await expect(take('two')).rejects.toMatchObject({ code: 'backup_running', details: { backup: 'one' } });
    await release('two');
    expect(await lease.isHeld()).toBe(true);
    await release('one');
    expect(await lease.isHeld()).toBe(false);
    await take('two');
    clock.advance(60_001);
    await take('three');
    expect(await lease.isHeld()).toBe(true);
  });

  test('of two that take it together one has it', async () => {
    const ends = await Promise.allSettled([take('one'), take('two')]);
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('keeps the sweeper from everything while it is held, and from nothing afterwards', async () => {
    const store = await openTestObjects(opened.database, { clock });
    try {
      const { objects } = store;
      objects.registerReferences(async (tx, digests) => await lease.references(tx, digests));
      await objects.put(chunksOf('nobody refers to it'), { maxBytes: 100 });
      clock.advance(2 * day);
      await take('one');
      expect(await objects.sweep()).toBe(0);
      await release('one');
      expect(await objects.sweep()).toBe(1);
    } finally {
      await store.close();
    }
  });
});
