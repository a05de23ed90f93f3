import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomFrom } from '../../test-support/ledger/random.ts';
import { systemClock } from '../platform/clock/index.ts';
import { openDatabase } from '../platform/database/index.ts';
import { createLedger } from './append.ts';
import { createFolderSink } from './folder-sink.ts';
import { createLedgerRecords } from './records.ts';

const program = fileURLToPath(new URL('../../test-support/ledger/ledger-child.ts', import.meta.url));
const installation = '018f3a52-7c1e-7000-8000-0000000000cc';
const killsPerFolder = 25;

let folders: string[] = [];
let compiled: string;

beforeEach(async () => {
  const made = await Promise.all([0, 1, 2].map(async () => await mkdtemp(join(tmpdir(), 'muster-ledger-crash-'))));
  compiled = made[0] ?? '';
  folders = made.slice(1);
  await compile();
});
afterEach(async () => {
  for (const folder of [compiled, ...folders]) await rm(folder, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_COMPILE_CACHE: compiled });

/** Compiles what the writer loads, once: fifty starts are most of what this test costs, and who is killed keeps nothing. */
async function compile(): Promise<void> {
  const modules = ['../platform/database/index.ts', './index.ts', './folder-sink.ts'];
  const loading = modules.map((path) => `import ${JSON.stringify(new URL(path, import.meta.url).href)};`).join('');
  const child = spawn(process.execPath, ['--conditions=muster-source', '--input-type=module', '-e', loading], {
    env: environment(),
    stdio: 'ignore',
  });
  const code = await new Promise((resolve) => {
    child.once('close', resolve);
  });
  expect(code).toBe(0);
}

/** Runs the writer until its first transaction was acknowledged and a moment has passed, then kills it; answers all that were. */
async function runUntilKilled(folder: string, moreMs: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=muster-source', program, folder, installation], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ids: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    ids.push(line);
    if (ids.length === 1) setTimeout(() => child.kill('SIGKILL'), moreMs);
  });
  const signal = await new Promise((resolve) => {
    child.once('close', (_code, by) => resolve(by));
  });
  expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' });
  return ids;
}

/** Every change that was acknowledged is there, each change has its entry, each entry its change, and no number is missing. */
function expectWhole(folder: string, acknowledged: readonly string[]): void {
  const db = new DatabaseSync(join(folder, 'muster.db'));
  const keys = db.prepare('select "key" from setting').all() as { key: string }[];
  const entries = db.prepare('select seq, action, subject_id from ledger_entry order by seq').all() as {
    seq: number;
    action: string;
    subject_id: string;
  }[];
  db.close();
  expect(entries.findIndex(({ seq }, index) => seq !== index)).toBe(-1);
  const changes = entries.filter(({ action }) => action === 'system.test').map((entry) => entry.subject_id);
  expect(changes.toSorted()).toEqual(keys.map(({ key }) => key).toSorted());
  const there = new Set(changes);
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
}

async function expectVerified(folder: string): Promise<void> {
  const database = await openDatabase({ file: join(folder, 'muster.db'), onFatal: () => {} });
  const records = createLedgerRecords({
    database,
    ledger: createLedger({ clock: systemClock }),
    clock: systemClock,
    installationId: async () => installation,
    folder: join(folder, 'ledger'),
    sinks: [createFolderSink({ folder: join(folder, 'outside'), isWeak: false, clock: systemClock })],
    checkpointMs: 60_000,
    onError: () => {},
  });
  await records.checkpoint();
  const { outcome, findings } = await records.verify({});
  expect({ outcome, findings: findings.filter((finding) => !finding.includes('cut short')) }).toEqual({
    outcome: 'ok',
    findings: [],
  });
  await database.close();
}

test(
  'killed 50 times while writing, signing and changing keys, there is no change without an entry and no entry without a change',
  { timeout: 300_000 },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomFrom(seed);
    await Promise.all(
      folders.map(async (folder) => {
        const acknowledged: string[] = [];
        for (let kill = 0; kill < killsPerFolder; kill++) {
          acknowledged.push(...(await runUntilKilled(folder, random(60))));
          try {
            expectWhole(folder, acknowledged);
          } catch (error) {
            throw new Error(`after kill ${kill}, seed ${seed}`, { cause: error });
          }
        }
        await expectVerified(folder);
      }),
    );
  },
);
