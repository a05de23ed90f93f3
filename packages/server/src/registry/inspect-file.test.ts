import { describe, expect, test } from 'vitest';
import { type RunInspection, createInspector } from './inspect-file.ts';

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

type End = Awaited<ReturnType<RunInspection>>;
const said = (document: unknown): End => ({ outcome: 'done', text: JSON.stringify(document) });

/** What becomes of an inspection that ends like this. */
async function inspect(end: End, signal = new AbortController().signal) {
  return await createInspector(async () => end)('/some/model.onnx', 'd', signal);
}

describe('what an inspection says is checked like any other input', () => {
  test('what it found is passed on, and nothing that nobody knows', async () => {
    expect(await inspect(said({ ...good, extra: 1 }))).toEqual({ ok: true, signature: good.signature, facts });
  });

  test('the program is run on the file that was named', async () => {
    const asked: unknown[] = [];
    const { signal } = new AbortController();
    await createInspector(async (...given) => {
      asked.push(...given);
      return said(good);
    })('/some/model.onnx', 'digest', signal);
    expect(asked).toEqual(['/some/model.onnx', 'digest', signal]);
  });

  test.each(['invalid_model_file', 'unsupported_model'])('its judgement of the file is passed on: %s', async (code) => {
    await expect(inspect(said(problem(code)))).rejects.toMatchObject({
      code,
      message: 'told by the program',
      remedy: 'r',
    });
  });

  test.each<[string, End]>([
    ['an error of its own', said(problem('internal_error'))],
    ['a document of another form', said({ ok: true, signature: {}, facts: {} })],
    ['half a document', { outcome: 'done', text: '{' }],
    ['silence', { outcome: 'done', text: '' }],
    ['a crash', { outcome: 'failed', detail: 'ended by SIGFPE' }],
    ['an exceeded limit', { outcome: 'memory', detail: 'it took too much' }],
    ['an end that nobody here asked for', { outcome: 'cancelled', detail: 'it was cancelled' }],
  ])('%s is inspection_failed', async (_name, end) => {
    await expect(inspect(end)).rejects.toMatchObject({ code: 'inspection_failed' });
  });

  test('one that was cancelled throws why', async () => {
    const reason = new Error('not needed any more');
    const end: End = { outcome: 'cancelled', detail: 'it was cancelled' };
    await expect(inspect(end, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
