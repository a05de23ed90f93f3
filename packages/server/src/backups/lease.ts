import { MusterError } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import type { Database, Tx } from '../platform/database/index.ts';

type SettingTables = {
  setting: { key: string; value: string };
};

const key = 'backup.lease';
/** A process that died keeps the sweeper away for at most so long. */
const leaseMs = 60_000;
const renewEveryMs = 15_000;

interface Lease {
  /** Name of the backup; empty: nobody holds it. */
  readonly holder: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * One backup at a time in an installation, also with several controls, and no content goes while it runs: the sweeper
 * asks every room what it refers to, and this one answers "all of it" while the lease is held. The row is locked by that
 * question, so that what was marked for removal was so before the lease, and thus before the snapshot.
 */
export interface BackupLease {
  /** Makes the row, which is what the two sides lock. */
  prepare(): Promise<void>;
  /** Throws `backup_running`. */
  take(tx: Tx, holder: string): Promise<void>;
  /** Renews it until the answer is called; `onLost` hears that it could not be. */
  keep(holder: string, onLost: (error: unknown) => void): () => void;
  release(tx: Tx, holder: string): Promise<void>;
  isHeld(): Promise<boolean>;
  /** For the sweeper: of these digests, those that must stay. */
  references(tx: Tx, digests: readonly string[]): Promise<readonly string[]>;
}

export function createBackupLease(parts: { readonly database: Database; readonly clock: Clock }): BackupLease {
  const { database, clock } = parts;
  const write = async (tx: Tx, lease: Lease): Promise<void> => {
    await tx
      .withTables<SettingTables>()
      .updateTable('setting')
      .set({ value: JSON.stringify(lease) })
      .where('key', '=', key)
      .execute();
  };
  const read = async (tx: Tx): Promise<Lease> => {
    const settings = tx.withTables<SettingTables>().selectFrom('setting');
    const row = await settings.select('value').where('key', '=', key).forUpdate().executeTakeFirst();
    return parse(row?.value);
  };
  const isLive = ({ holder, until }: Lease): boolean => holder !== '' && until > clock.now();

  return {
    async prepare() {
      await database.inTransaction(async (tx) => {
        await tx
          .withTables<SettingTables>()
          .insertInto('setting')
          .values({ key, value: JSON.stringify({ holder: '', until: 0 }) })
          .onConflict((conflict) => conflict.column('key').doNothing())
          .execute();
      });
    },
    async take(tx, holder) {
      const lease = await read(tx);
      if (isLive(lease))
        throw new MusterError('backup_running', `the backup ${lease.holder} is being made`, {
          details: { backup: lease.holder },
        });
      await write(tx, { holder, until: clock.now() + leaseMs });
    },
    keep(holder, onLost) {
      const renew = async (): Promise<void> => {
        await database.inTransaction(async (tx) => {
          const lease = await read(tx);
          if (lease.holder !== holder || !isLive(lease)) throw new Error('another backup has taken over');
          await write(tx, { holder, until: clock.now() + leaseMs });
        });
      };
      let isKept = true;
      let cancel = (): void => {};
      const wait = (): void => {
        if (isKept) cancel = clock.after(renewEveryMs, () => void renewAndWait());
      };
      const renewAndWait = async (): Promise<void> => {
        try {
          await renew();
          wait();
        } catch (error) {
          onLost(error);
        }
      };
      wait();
      return () => {
        isKept = false;
        cancel();
      };
    },
    async release(tx, holder) {
      if ((await read(tx)).holder === holder) await write(tx, { holder: '', until: 0 });
    },
    async isHeld() {
      const settings = database.reader.withTables<SettingTables>().selectFrom('setting');
      const row = await settings.select('value').where('key', '=', key).executeTakeFirst();
      return isLive(parse(row?.value));
    },
    references: async (tx, digests) => (isLive(await read(tx)) ? digests : []),
  };
}

function parse(value: string | undefined): Lease {
  return value === undefined ? { holder: '', until: 0 } : (JSON.parse(value) as Lease);
}
