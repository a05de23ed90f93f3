import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StorageAck, partBytes, storageFolder } from '../../../test-support/storage-acks.ts';
import { createIds, systemClock } from '../clock/index.ts';
import { openDatabase } from '../database/index.ts';
import { createObjectStore } from './folder-object-store.ts';
import { createUploads } from './uploads.ts';

const program = fileURLToPath(new URL('../../../test-support/storage-child.ts', import.meta.url));
const owner = 'writer';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const crashPoints = [
  'database.before-commit',
  'database.after-commit',
  'objects.written',
  'objects.before-rename',
  'objects.after-rename',
  'objects.stored',
  'objects.file-removed',
  'uploads.part-written',
  'uploads.part-acknowledged',
  'uploads.verified',
  'uploads.completed',
];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-crash-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs the writer until it is dead; answers what it acknowledged. */
async function runUntilKilled(
  crash: { readonly point: string; readonly nth: number } | { readonly afterAcks: number },
): Promise<StorageAck[]> {
  const crashArguments = 'point' in crash ? [crash.point, String(crash.nth)] : [];
  const child = spawn(process.execPath, ['--conditions=muster-source', program, folder, ...crashArguments], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const acks: StorageAck[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    acks.push(JSON.parse(line) as StorageAck);
    if ('afterAcks' in crash && acks.length === crash.afterAcks) child.kill('SIGKILL');
  });
  const linesRead = new Promise((resolve) => {
    lines.once('close', resolve);
  });
  const signal = await new Promise((resolve) => {
    child.once('close', (_code, by) => resolve(by));
  });
  await linesRead;
  expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' });
  return acks;
}

/** Opens what is left and compares it with everything that was ever acknowledged. */
async function verify(acks: readonly StorageAck[]): Promise<void> {
  const raw = new DatabaseSync(join(folder, 'muster.db'));
  expect(raw.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  expect(raw.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
  raw.close();

  const database = await openDatabase({ file: join(folder, 'muster.db'), onFatal: () => {} });
  const newId = createIds(systemClock);
  const objects = await createObjectStore({ folder: storageFolder(folder), database, clock: systemClock, newId });
  const uploads = createUploads({ objects, database, clock: systemClock, newId, maxBytes: 1e9, partBytes });
  const reader = database.reader.withTables<{
    setting: { key: string };
    ledger_entry: { seq: number; subject_id: string };
    object: { digest: string; state: string };
  }>();
  try {
    const keys = new Set((await reader.selectFrom('setting').select('key').execute()).map((row) => row.key));
    const half = [...keys].filter(
      (key) =>
        /^(left|right):/.test(key) &&
        !keys.has(key.startsWith('left') ? key.replace('left', 'right') : key.replace('right', 'left')),
    );
    expect(half).toEqual([]);
    const entries = await reader.selectFrom('ledger_entry').select(['seq', 'subject_id']).orderBy('seq').execute();
    expect(entries.every((entry, index) => entry.seq === index)).toBe(true);
    expect(new Set(entries.map((entry) => `left:${entry.subject_id}`))).toEqual(
      new Set([...keys].filter((key) => key.startsWith('left:'))),
    );

    const stored = new Set<string>();
    for (const { digest } of await reader
      .selectFrom('object')
      .select('digest')
      .where('state', '=', 'stored')
      .execute()) {
      if (sha256(await readFile(await objects.localFile(digest))) === digest) stored.add(digest);
    }
    for await (const { digest } of objects.files.files())
      expect(sha256(await readFile(objects.files.pathOf(digest)))).toBe(digest);
    for (const key of keys) if (key.startsWith('reference:')) expect(stored).toContain(key.slice('reference:'.length));

    const completed = new Set(acks.flatMap((ack) => (ack.kind === 'completed' ? [ack.id] : [])));
    const wanted = new Map(acks.flatMap((ack) => (ack.kind === 'upload' ? [[ack.id, ack.sha256]] : [])));
    const missing = [];
    for (const ack of acks) {
      if (ack.kind === 'transaction' && !(keys.has(`left:${ack.id}`) && keys.has(`right:${ack.id}`))) missing.push(ack);
      if (ack.kind === 'object' && !stored.has(ack.digest)) missing.push(ack);
      if (ack.kind === 'completed' && !(stored.has(ack.digest) && wanted.get(ack.id) === ack.digest)) missing.push(ack);
      if (ack.kind === 'part' && !completed.has(ack.id) && !(await holdsPart(ack))) missing.push(ack);
    }
    expect(missing).toEqual([]);

    async function holdsPart(ack: {
      readonly id: string;
      readonly number: number;
      readonly sha256: string;
    }): Promise<boolean> {
      const upload = await uploads.get(ack.id, owner);
      if (!upload.received.includes(ack.number)) return false;
      // Moved into place, but the answer did not get out: the client asks again, below.
      if (stored.has(wanted.get(ack.id) ?? '')) return true;
      const size = Math.min(partBytes, upload.sizeBytes - (ack.number - 1) * partBytes);
      const file = await open(objects.files.incomingPath(`upload-${ack.id}`)).catch(() => undefined);
      if (file === undefined) return (await objects.files.sizeOf(wanted.get(ack.id) ?? '')) === upload.sizeBytes;
      const { buffer } = await file.read(Buffer.alloc(size), 0, size, (ack.number - 1) * partBytes);
      await file.close();
      return sha256(buffer) === ack.sha256;
    }

    // What every part was acknowledged of can be completed now, wherever the crash came.
    for (const [id, digest] of wanted) {
      const parts = acks.filter((ack) => ack.kind === 'part' && ack.id === id);
      if (parts.length === 3 && !completed.has(id)) expect(await uploads.complete(id, owner)).toMatchObject({ digest });
    }
  } finally {
    await database.close();
  }
}

test(
  'whenever the process is killed, nothing acknowledged is missing and nothing half-done is visible',
  { timeout: 300_000 },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor((state / 0x80000000) * limit);
    };
    const acks: StorageAck[] = [];
    const rounds = [
      ...crashPoints.map((point) => ({ point, nth: 1 + random(5) })),
      ...Array.from({ length: 9 }, () => ({ afterAcks: 1 + random(120) })),
    ];
    for (const round of rounds) {
      acks.push(...(await runUntilKilled(round)));
      try {
        await verify(acks);
      } catch (error) {
        throw new Error(`after ${JSON.stringify(round)}, seed ${seed}`, { cause: error });
      }
    }
    expect(new Set(acks.map((ack) => ack.kind)).size).toBe(6);
    expect(acks.length).toBeGreaterThan(200);
  },
);
