import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptOutside, keyEntry, makePair, origin, plainEntry, rowOf } from '../../test-support/ledger/memory-ledger.ts';

const program = fileURLToPath(new URL('../../verifier/verify.mjs', import.meta.url));
const pair = makePair();
const rows = Array.from({ length: 40 }, (_, seq) =>
  rowOf(seq, 1_700_000_000_000 + seq, seq === 0 ? keyEntry(pair.line) : plainEntry(seq)),
);
const header = JSON.stringify({ format: 'muster-ledger-export/1', origin, keys: [pair.line] });
const exported = [header, ...rows.map(({ seq, body }) => JSON.stringify({ seq, body }))].join('\n');

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-verifier-'));
  await writeFile(join(folder, 'notes.txt'), keptOutside(rows, [20, 40], pair.privateKey));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function verify(
  text: string,
  ...options: string[]
): Promise<{ readonly code: number | null; readonly out: string }> {
  await writeFile(join(folder, 'export.jsonl'), text);
  const { status, stdout } = spawnSync(process.execPath, [program, 'export.jsonl', ...options], { cwd: folder });
  return { code: status, out: stdout.toString() };
}

test('the stand-alone verifier ends with 0 where all is well, and with 2 where your checkpoints do not cover all', async () => {
  expect(await verify(exported, '--notes', 'notes.txt')).toEqual({ code: 0, out: 'ok: 40 entries, 40 anchored\n' });
  expect((await verify(exported, '--notes', 'notes.txt', '--key', pair.line)).code).toBe(0);
  expect(await verify(exported)).toMatchObject({ code: 2, out: expect.stringMatching(/^unanchored/) as string });
});

test('it ends with 1 where something was changed, and names the entry, and where a key that you trust did not sign', async () => {
  const changed = await verify(exported.replace('model-13', 'model-14'), '--notes', 'notes.txt');
  expect(changed.code).toBe(1);
  expect(changed.out).toMatch(/^tampered: 40 entries, 0 anchored, the first bad one is 13\n- .*entry 13 differs\n/);
  expect((await verify(exported, '--notes', 'notes.txt', '--key', makePair().line)).code).toBe(1);
});

test('it ends with 3 where it cannot check', async () => {
  expect(await verify('{}', '--notes', 'notes.txt')).toMatchObject({ code: 3 });
  expect(await verify(exported, '--notes', 'missing.txt')).toMatchObject({ code: 3 });
});
