import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;

beforeEach(() => {
  home = createHome();
});
afterEach(() => home[Symbol.dispose]());

function write(name: string, content: string | Uint8Array): string {
  const path = join(home.folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** `posix.system("true")` as a pickle; nothing here ever loads it. */
const evil = Buffer.from('cposix\nsystem\n(Vtrue\ntR.');

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../runtime-onnx/fixtures/${name}`, import.meta.url));

/** The search path of this machine, where there is a Python on it; else the tests that need one are skipped by name. */
const path = process.env['PATH'] ?? '';
const hasPython = ['python3', 'python'].some((name) => {
  try {
    return /^3\.(9|\d\d)/.test(
      execFileSync(name, ['-c', 'import platform; print(platform.python_version())']).toString(),
    );
  } catch {
    return false;
  }
});
if (!hasPython && process.env['CI'] !== undefined) throw new Error('the tests of muster inspect need a python3');

describe('an ONNX file', () => {
  test('is shown with its signature', async () => {
    const { code, stdout, stderr } = await home.run(['inspect', fixture('zipmap-string-labels.onnx')]);
    expect(stdout).toMatch(/^kind +ONNX, run by onnxruntime$/m);
    expect(stdout).toMatch(/^made with +skl2onnx /m);
    expect(stderr).toMatch(/deploy \S+zipmap-string-labels\.onnx$/m);
    expect(code).toBe(0);
  });

  test('that is broken is a failure with what is wrong', async () => {
    const { code, stderr } = await home.run(['inspect', fixture('truncated.onnx')]);
    expect(stderr).toContain('cut off');
    expect(code).toBe(1);
  });

  test('is one document as JSON', async () => {
    const { stdout } = await home.run(['inspect', fixture('slow.onnx'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, format: 'onnx', runtime: 'onnx', dangers: [], missing: [] });
  });
});

describe.skipIf(!hasPython)('with the Python of this machine', () => {
  /** A cache that cannot be written, so that no scanner is fetched. */
  const env = { PATH: path, XDG_CACHE_HOME: '/dev/null/cache' };

  test('a pickle is told apart, and that nobody scanned it is said loudly', async () => {
    const { code, stdout, stderr } = await home.run(['inspect', write('model.pkl', evil)], { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^kind +pickle, run by Python$/m);
    expect(stdout).toContain('nobody looked for dangerous instructions');
    expect(stderr).toMatch(/warning: dangerous instructions are not looked for/);
  });

  test('a folder with a model.py is told by its functions, and what is missing by name', async () => {
    const code = 'import json\nimport numpy\nimport own_thing\n\n\ndef load(path):\n    return 1\n';
    write('ranking/model.py', code);
    const ended = await home.run(['inspect', join(home.folder, 'ranking')], { env });
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^load +model\.py:6$/m);
    expect(ended.stdout).toContain('missing: predict(model, data) in model.py');
    expect(ended.stdout).toContain('missing: own_thing');
    expect(ended.stdout).toMatch(/^needs +numpy$/m);
    expect(ended.stderr).not.toContain('Deploy it');
  });

  test('what cannot be read is a failure with what it seems to be', async () => {
    const { code, stderr } = await home.run(['inspect', write('rows.parquet', 'PAR1xxxxPAR1'), '--json'], { env });
    expect(code).toBe(1);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ code: 'unsupported_model' });
  });

  test('a launcher that leads nowhere does not hide the Python behind it', async () => {
    chmodSync(write('shims/python3', '#!/bin/sh\nexit 127\n'), 0o755);
    const shims = join(home.folder, 'shims');
    const withShims = { ...env, PATH: [shims, path].join(delimiter) };
    expect((await home.run(['inspect', write('model.pkl', evil)], { env: withShims })).code).toBe(0);
  });
});

describe('without Python', () => {
  test.each([
    ['model.pkl', Buffer.from([0x80, 4, 0x4e, 0x2e]), 'a pickle'],
    ['model.txt', Buffer.from('tree\nversion=v4\n'), 'a LightGBM model'],
    ['model.bin', Buffer.from('whatever it is'), 'no model that is known'],
  ])('%s is told by its first bytes, with how to see more', async (name, content, what) => {
    const { code, stderr } = await home.run(['inspect', write(name, content)], { env: { PATH: home.folder } });
    expect(code).toBe(1);
    expect(stderr).toContain(what);
    expect(stderr).toContain('Install Python 3.11 or newer');
  });
});

test('a file that is not there is a wrong command line', async () => {
  expect((await home.run(['inspect', 'missing.pkl'])).code).toBe(64);
});
