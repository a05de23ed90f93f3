import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fixtureToken } from '../e2e/support/fixture-token.ts';

/**
 * Makes the data folder that e2e/upgrade.test.ts starts today's Muster on, as the code of a tree leaves it:
 *
 *     git worktree add /tmp/release v0.1.0 && cp -al node_modules /tmp/release/
 *     node --conditions=muster-source scripts/make-data-folder-fixture.ts /tmp/release 0005
 *
 * A live version, a canary, an alias, predictions and one score. What only this machine knows is taken out: the name of
 * the user, the logs, and the token, whose digest gives way to that of a token which the test can compute.
 */

const run = promisify(execFile);
const [tree, name] = process.argv.slice(2);
if (tree === undefined || name === undefined) {
  process.stderr.write('usage: make-data-folder-fixture.ts TREE NAME\n');
  process.exit(64);
}
const here = fileURLToPath(new URL('..', import.meta.url));
const launcher = join(tree, 'packages/cli/bin/muster.js');
const example = join(tree, 'examples/breast-cancer');
const endpoint = 'breast-cancer';

const folder = await mkdtemp(join(tmpdir(), 'muster-fixture-'));
try {
  const dataDir = join(folder, 'data');
  await live(dataDir);
  scrub(join(dataDir, 'muster.db'));
  await pack(dataDir, join(here, 'e2e/fixtures', `data-folder-${name}.tar.gz`));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** What happened in the old installation. */
async function live(dataDir: string): Promise<void> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = { ...process.env, XDG_CONFIG_HOME: join(folder, 'config'), MUSTER_SERVER: url };
  const muster = async (...words: readonly string[]): Promise<string> =>
    (await run(process.execPath, [launcher, ...words], { env, timeout: 120_000 })).stdout;
  const server = spawn(process.execPath, [launcher, 'up', '--data-dir', dataDir, '--port', String(port)], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(server, 'exit');
  try {
    await untilReady(url);
    const sample = ['--sample', join(example, 'sample.csv')];
    const signature = ['--signature', join(example, 'signature.json')];
    await muster('deploy', join(example, 'model-v1.onnx'), '--name', endpoint, ...sample, ...signature);
    await muster('model', 'push', join(example, 'model-v2.onnx'), '--name', endpoint, ...sample, ...signature);
    await muster('deploy', `${endpoint}:2`, '--name', endpoint, '--canary', '10%');
    await muster('model', 'alias', `${endpoint}:1`, 'champion');
    await muster('predict', endpoint, join(example, 'sample.csv'));
    await muster('score', endpoint, join(example, 'heldout.csv'), '-o', join(folder, 'scored.csv'));
    process.stdout.write(await muster('endpoint', 'show', endpoint));
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
}

/** Leaves nothing of the person and the machine in the database, and the file as small as it gets. */
function scrub(file: string): void {
  const database = new DatabaseSync(file);
  const token = fixtureToken();
  database.prepare("update actor set name = 'admin'").run();
  database
    .prepare('update token set digest = ?, last4 = ?')
    .run(createHash('sha256').update(token).digest('hex'), token.slice(-4));
  database.exec('delete from idempotency; pragma wal_checkpoint(truncate); vacuum');
  database.close();
}

async function pack(dataDir: string, archive: string): Promise<void> {
  const kept = join(folder, 'kept');
  for (const part of ['muster.db', 'objects']) await cp(join(dataDir, part), join(kept, part), { recursive: true });
  // The same folder gives the same archive, whoever packs it.
  const alike = [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mtime=2026-01-01 00:00Z',
    '--mode=u=rwX,go=',
  ];
  await run('tar', [...alike, '-C', kept, '-czf', archive, '.'], { env: { ...process.env, GZIP: '-9' } });
  process.stdout.write(`${archive}: ${(await readFile(archive)).length} bytes\n`);
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    if (response?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server was not ready within a minute');
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
