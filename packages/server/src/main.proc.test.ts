import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = fileURLToPath(new URL('main.ts', import.meta.url));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-main-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function muster(
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, ...environment };
  const child = spawn(process.execPath, ['--conditions=muster-source', program, ...words], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => void child.once('close', (code) => resolve({ code, out, err })));
}

test('--version and --help answer on standard output', async () => {
  const [version, help] = await Promise.all([muster(['--version']), muster(['up', '--help'])]);
  expect(version).toMatchObject({ code: 0, err: '' });
  expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(help.code).toBe(0);
  expect(help.out).toMatch(/^Usage: muster up \[flags\]\n/);
  expect(help.out).toContain('--port ');
});

test('what is wrong with the start is said in words, without a stack, and with an exit code', async () => {
  const [flag, role, secret] = await Promise.all([
    muster(['--prot', '1']),
    muster(['gatway']),
    muster(['gateway', '--port', '0']),
  ]);
  expect(flag).toEqual({
    code: 64,
    out: '',
    err: 'The configuration is not valid: --prot is not a setting; did you mean --port?\n  --help lists the flags.\n',
  });
  expect(role).toEqual({
    code: 64,
    out: '',
    err: 'The configuration is not valid: "gatway" is not a role; did you mean gateway?\n  Start up, control, gateway or restore.\n',
  });
  expect(secret).toEqual({
    code: 64,
    out: '',
    err: 'The configuration is not valid: a gateway on its own needs the secret that control knows it by\n  Set MUSTER_INTERNAL_TOKEN, or internal.tokenFile.\n',
  });
});
