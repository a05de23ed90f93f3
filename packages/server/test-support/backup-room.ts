import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type Backup, type Operation, type RestoreReport, backupSchema } from '@muster-ml/protocol';
import { type Backups, createBackups } from '../src/backups/backups.ts';
import { restoreBackup } from '../src/backups/restore-backup.ts';
import type { Caller } from '../src/identity/index.ts';
import { type Ledger, createLedger } from '../src/ledger/index.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import { type Database, openDatabase } from '../src/platform/database/index.ts';
import { type FolderObjectStore, createObjectStore } from '../src/platform/objects/index.ts';
import { type Operations, createOperations } from '../src/platform/operations/index.ts';
import type { databaseKinds } from './database.ts';
import { decidingIdentity, firstAdmin } from './identity.ts';
import { chunksOf } from './objects.ts';
import { type PostgresqlServer, startPostgresql } from './postgresql-server.ts';

/** Backups of a real database and object store in a folder of their own, and empty places to restore into. */
export interface BackupRoom {
  readonly folder: string;
  readonly database: Database;
  readonly objects: FolderObjectStore;
  readonly ledger: Ledger;
  readonly operations: Operations;
  readonly backups: Backups;
  readonly admin: Caller;
  /** Stores content, and one row and one entry about it, in one transaction: what a use case does. */
  write(text: string): Promise<void>;
  /** Makes a backup and waits for its end. */
  backUp(): Promise<Backup>;
  ended(operation: Operation): Promise<Operation>;
  /** Restores into a new place; `backup` is a folder. */
  restore(backup: string): Promise<RestoredRoom>;
  /** As a restart does: what ran is aborted, and the next process starts. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface RestoredRoom {
  readonly report: RestoreReport;
  readonly dataDir: string;
  readonly database: Database;
  readonly objects: FolderObjectStore;
  close(): Promise<void>;
}

type TeamTables = { team: { name: string; created_at: number; description: string } };

export async function openBackupRoom(kind: (typeof databaseKinds)[number]): Promise<BackupRoom> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-backups-'));
  const server = kind === 'postgresql' ? await sharedServer() : undefined;
  const file = join(folder, 'data', 'muster.db');
  const url = server === undefined ? undefined : await emptyDatabase(server);
  const database = await openDatabase({ url, file, onFatal: () => {} });
  const newId = createIds(systemClock);
  const objects = await createObjectStore({
    folder: join(folder, 'data', 'objects'),
    database,
    clock: systemClock,
    newId,
  });
  const ledger = createLedger({ clock: systemClock });
  const admin = firstAdmin();
  const open = (): { readonly operations: Operations; readonly backups: Backups } => {
    const operations = createOperations({ database, clock: systemClock, newId });
    const backups = createBackups({
      database,
      source: url === undefined ? { file } : { url, environment: { PATH: process.env['PATH'] ?? '' } },
      objects,
      identity: decidingIdentity(),
      ledger,
      operations,
      clock: systemClock,
      folder: join(folder, 'backups'),
      softwareVersion: '0.0.0',
      environment: 'test',
      installation: 'installation-1',
      onError: () => {},
    });
    return { operations, backups };
  };
  let running = open();
  await running.backups.start();
  let places = 0;

  const room: BackupRoom = {
    folder,
    database,
    objects,
    ledger,
    admin,
    get operations() {
      return running.operations;
    },
    get backups() {
      return running.backups;
    },
    async write(text) {
      const { digest } = await objects.put(chunksOf(text), { maxBytes: 1_000_000 });
      await database.inTransaction(async (tx) => {
        await objects.hold(tx, digest);
        const teams = tx.withTables<TeamTables>().insertInto('team');
        await teams.values({ name: newId(), created_at: 1, description: digest }).execute();
        await ledger.append(tx, {
          actor: { kind: 'person', id: 'alice' },
          action: 'team.create',
          subject: { kind: 'team', id: digest },
          team: null,
          outcome: 'allowed',
          request: 'request-1',
        });
      });
    },
    async backUp() {
      const { result, problem } = await room.ended(await room.backups.createBackup(admin));
      if (result === null) throw new Error(`${problem?.code}: ${problem?.detail}`);
      return backupSchema.parse(result['backup']);
    },
    async ended(operation) {
      for await (const now of running.operations.watch(operation.id, AbortSignal.timeout(60_000)))
        if (now.state !== 'running') return now;
      throw new Error('the operation did not end');
    },
    async restore(backup) {
      places += 1;
      const dataDir = join(folder, `place-${places}`);
      const databaseUrl = server === undefined ? undefined : await emptyDatabase(server);
      const report = await restoreBackup({
        backup,
        dataDir,
        databaseUrl,
        environment: { PATH: process.env['PATH'] ?? '' },
        clock: systemClock,
        newId,
        signal: new AbortController().signal,
        onProgress: () => {},
      });
      const restored = await openDatabase({ url: databaseUrl, file: join(dataDir, 'muster.db'), onFatal: () => {} });
      const store = await createObjectStore({
        folder: join(dataDir, 'objects'),
        database: restored,
        clock: systemClock,
        newId,
      });
      return { report, dataDir, database: restored, objects: store, close: async () => await restored.close() };
    },
    async restart() {
      running.backups.drain();
      await running.operations.drain();
      running = open();
      await running.backups.start();
    },
    async close() {
      await running.operations.drain();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return room;
}

let shared: Promise<PostgresqlServer> | undefined;
let databases = 0;

/** One server a test file; it ends with the test process. */
function sharedServer(): Promise<PostgresqlServer> {
  return (shared ??= startPostgresql());
}

async function emptyDatabase(server: PostgresqlServer): Promise<string> {
  const name = `backup${++databases}`;
  await server.execute(`create database ${name}`);
  return server.url(name);
}

/** The rows of `team` and the bodies of the ledger, in order; and the text of each content that a team names. */
export async function stateOf({ database, objects }: Pick<BackupRoom, 'database' | 'objects'>): Promise<{
  readonly teams: readonly string[];
  readonly bodies: readonly string[];
}> {
  const reader = database.reader.withTables<TeamTables & { ledger_entry: { seq: number; body: string } }>();
  const teams = await reader.selectFrom('team').select(['name', 'description']).orderBy('name').execute();
  for (const { description } of teams) if (description !== '') await buffer(await objects.read(description));
  const entries = await reader.selectFrom('ledger_entry').select('body').orderBy('seq').execute();
  return { teams: teams.map(({ name }) => name), bodies: entries.map(({ body }) => body) };
}
