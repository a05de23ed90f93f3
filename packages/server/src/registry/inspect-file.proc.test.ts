import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInspector } from './inspect-file.ts';

const facts = {
  format: 'onnx',
  sizeBytes: 1,
  producer: 'p',
  irVersion: 1,
  opsets: {},
  operators: {},
  parameterCount: 0,
  metadata: {},
  adaptations: [],
};
const spec = { name: 'x', datatype: 'FP32', shape: [-1, 2] };
const good = { ok: true, signature: { inputs: [spec], outputs: [spec] }, facts };
const problem = (code: string) => ({
  ok: false,
  problem: { type: 't', code, title: 't', status: 400, detail: 'told by the program', remedy: 'r' },
});

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-inspect-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

let count = 0;

/** Inspects with a program that is given as source text. */
async function inspect(source: string, limits: { timeoutMs?: number; memoryBytes?: number } = {}) {
  const program = join(folder, `program-${++count}.mjs`);
  await writeFile(program, source);
  return await createInspector({ program, timeoutMs: 20_000, memoryBytes: 1024 ** 3, ...limits })('/some/model.onnx');
}

const say = (document: unknown): string => `process.stdout.write(${JSON.stringify(JSON.stringify(document))});`;
const failed = { code: 'inspection_failed' };

describe('inspection in a process of its own', () => {
  test('gives what the program found', async () => {
    expect(await inspect(say(good))).toMatchObject({ signature: good.signature, facts });
  });

  test('the program sees the file, and nothing of our environment', async () => {
    const source = `
      const ours = Object.keys(process.env).filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD', '__CF_USER_TEXT_ENCODING'].includes(name));
      if (process.argv[2] === '/some/model.onnx' && ours.length === 0) ${say(good)}`;
    await expect(inspect(source)).resolves.toBeDefined();
  });

  test.each(['invalid_model_file', 'unsupported_model'])('what it says of the file is passed on: %s', async (code) => {
    await expect(inspect(say(problem(code)))).rejects.toMatchObject({
      code,
      message: 'told by the program',
      remedy: 'r',
    });
  });

  test.each([
    ['an error of its own', say(problem('internal_error'))],
    ['a document of another form', say({ ok: true, signature: {}, facts: {} })],
    ['no document', `process.stdout.write('{')`],
    ['silence', ''],
    ['an exit code', `${say(good)} process.exitCode = 3`],
    ['a crash', 'process.abort()'],
    ['a flood', `for (;;) { (await import('node:fs')).writeSync(1, 'x'.repeat(65536)) }`],
  ])('%s is inspection_failed', async (_name, source) => {
    await expect(inspect(source)).rejects.toMatchObject(failed);
  });

  test('a program that hangs is killed', async () => {
    await expect(inspect('for (;;) ;', { timeoutMs: 300 })).rejects.toMatchObject(failed);
  });

  test('a program that takes more memory than it may is killed', async () => {
    const source = `const all = []; for (;;) all.push(new Uint8Array(16 * 1024 ** 2).fill(1));`;
    await expect(inspect(source, { memoryBytes: 256 * 1024 ** 2 })).rejects.toMatchObject(failed);
  });

  test('more inspections than may run at once wait for their turn', async () => {
    const program = join(folder, 'turns.mjs');
    await writeFile(program, say(good));
    const limited = createInspector({ program, timeoutMs: 20_000, memoryBytes: 1024 ** 3, concurrency: 1 });
    expect(await Promise.all([limited('a'), limited('b'), limited('c')])).toHaveLength(3);
  });
});
