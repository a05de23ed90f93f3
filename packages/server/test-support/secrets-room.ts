import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NewEntry, createLedger } from '../src/ledger/index.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type Operations, createOperations } from '../src/platform/operations/index.ts';
import { type SecretUser, type Secrets, createSecrets } from '../src/secrets/index.ts';
import type { SecretsParts } from '../src/secrets/secrets.ts';
import { decidingIdentity } from './identity.ts';

/** The room on a real database, with the real rules of who may do what, and key files of its own. */
export interface SecretsRoom {
  readonly secrets: Secrets;
  readonly operations: Operations;
  readonly entries: NewEntry[];
  /** What other rooms would say refers to secrets. */
  readonly users: SecretUser[];
  readonly keyFile: string;
  /** Another process on the same data, whose database may be a twin. */
  reopen(options?: { readonly database?: Database; readonly forgetLost?: boolean }): void;
  /** The end of an operation. */
  ended(id: string): Promise<Awaited<ReturnType<Operations['get']>>['operation']>;
  close(): Promise<void>;
}

/** Makes its teams. */
export async function openSecretsRoom(
  database: Database,
  {
    teams: names = ['risk', 'sales'],
    usersOf,
  }: { readonly teams?: readonly string[]; readonly usersOf?: SecretsParts['usersOf'] } = {},
): Promise<SecretsRoom> {
  await database.inTransaction(async (tx) => {
    const teams = tx.withTables<{ team: { name: string; created_at: number } }>().insertInto('team');
    for (const name of names)
      await teams
        .values({ name, created_at: 0 })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute();
  });
  const folder = await mkdtemp(join(tmpdir(), 'muster-secrets-'));
  const keyFile = join(folder, 'keys', 'key');
  const newId = createIds(systemClock);
  const ledger = createLedger({ clock: systemClock });
  const entries: NewEntry[] = [];
  const users: SecretUser[] = [];
  const open = (used: Database, forgetLost: boolean) => {
    const operations = createOperations({ database: used, clock: systemClock, newId });
    const secrets = createSecrets({
      database: used,
      identity: decidingIdentity(),
      ledger: {
        append: async (tx, entry) => {
          entries.push(entry);
          return await ledger.append(tx, entry);
        },
      },
      operations,
      usersOf:
        usersOf ??
        (async (_db, references) =>
          await Promise.resolve(users.filter(({ reference }) => references.includes(reference)))),
      keyFile,
      forgetLost,
      clock: systemClock,
      newId,
    });
    return { operations, secrets };
  };
  let process = open(database, false);
  return {
    get secrets() {
      return process.secrets;
    },
    get operations() {
      return process.operations;
    },
    entries,
    users,
    keyFile,
    reopen(options = {}) {
      process = open(options.database ?? database, options.forgetLost ?? false);
    },
    async ended(id) {
      for await (const now of process.operations.watch(id, AbortSignal.timeout(10_000)))
        if (now.state !== 'running') return now;
      throw new Error('the operation did not end');
    },
    async close() {
      await process.operations.drain();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
