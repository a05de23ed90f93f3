import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fixture } from '../test-support/link-client.ts';

const program = fileURLToPath(new URL('inspect.ts', import.meta.url));

/** What the program prints about a file; undefined if it came to an end without a word. */
async function inspect(...args: string[]): Promise<unknown> {
  const child = spawn(process.execPath, ['--conditions=muster-source', program, ...args], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const [printed, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  expect(errors).toBe('');
  return printed === '' ? undefined : (JSON.parse(printed) as unknown);
}

test('a model is described in one document, and the runtime adds nothing to it', async () => {
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }];
  expect(await inspect(fixture('optional-input.onnx'))).toMatchObject({
    ok: true,
    signature: { inputs },
    facts: { format: 'onnx' },
  });
});

test('a refusal is a document too', async () => {
  expect(await inspect(fixture('truncated.onnx'))).toMatchObject({
    ok: false,
    problem: { code: 'invalid_model_file' },
  });
  expect(await inspect()).toMatchObject({ ok: false, problem: { code: 'invalid_configuration' } });
});

test('a file that crashes the runtime leaves its caller without a document, not without its life', async () => {
  const inspection = await inspect(fixture('crash-on-load.onnx'));
  // The division that crashes x86-64 is harmless elsewhere.
  if (process.arch === 'x64') expect(inspection).toBeUndefined();
  else expect(inspection).toMatchObject({ ok: true });
});
