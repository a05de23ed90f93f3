import { describe, expect, test } from 'vitest';
import { doubles, looked } from '../../test-support/python-twin.ts';
import { type ProofRequest, type RunPythonInspection, createPythonInspection } from './python-inspection.ts';

type End = Awaited<ReturnType<RunPythonInspection>>;
const said = (document: unknown): End => ({ outcome: 'done', text: JSON.stringify(document) });

const spec = { name: 'age', datatype: 'FP64', shape: [-1] };
const prediction = { ...spec, name: 'prediction' };
const header = (name: string) => ({ name, datatype: 'FP64', shape: [2], size: 16 });
const payload = Buffer.concat([doubles('age', 1, 2).bytes, doubles('prediction', 3, 4).bytes]).toString('base64');
const proof = {
  ok: true,
  signature: { inputs: [spec], outputs: [prediction], primary: 'prediction' },
  isTable: true,
  modelClass: 'sklearn.pipeline.Pipeline',
  packages: { numpy: '2.4.6' },
  adaptations: [],
  sample: { inputs: [header('age')], outputs: [header('prediction')], payload },
};
const problem = (code: string, more: object = {}) => ({ ok: false, problem: { code, detail: 'told by it', ...more } });

const request: ProofRequest = {
  file: '/some/model',
  digest: 'd',
  format: 'pickle',
  environment: { python: '3.11', requirements: [] },
  sampleFile: '/some/sample',
};
const { signal } = new AbortController();
const look = async (end: End, when = signal) => await createPythonInspection(async () => end).look('/f', 'd', when);
const prove = async (end: End, when = signal) => await createPythonInspection(async () => end).prove(request, when);

describe('what a look says is checked like any other input', () => {
  test('what it found is passed on, and nothing that nobody knows', async () => {
    const found = await look(said({ ok: true, ...looked, hasSignature: false, scanner: 'none', details: {} }));
    expect(found).toMatchObject(looked);
    expect(found).not.toHaveProperty('scanner');
  });

  test.each(['invalid_model_file', 'unsupported_model'])('its judgement of the file is passed on: %s', async (code) => {
    await expect(look(said(problem(code, { remedy: 'r' })))).rejects.toMatchObject({
      code,
      message: 'told by it',
      remedy: 'r',
    });
  });

  test.each<[string, End]>([
    ['an error of its own', said(problem('internal_error'))],
    ['a format that nobody knows', said({ ok: true, ...looked, format: 'fortran' })],
    ['a requirement that is an option', said({ ok: true, ...looked, requirements: ['--index-url=https://x'] })],
    ['half a document', { outcome: 'done', text: '{' }],
    ['a crash', { outcome: 'failed', detail: 'ended by SIGSEGV' }],
    ['an exceeded limit', { outcome: 'timeout', detail: 'it took too long' }],
  ])('%s is inspection_failed', async (_name, end) => {
    await expect(look(end)).rejects.toMatchObject({ code: 'inspection_failed' });
  });
});

describe('what a proof says is checked like any other input: the program has run the model', () => {
  test('its sample comes as tensors', async () => {
    const { sample, ...rest } = await prove(said(proof));
    expect(rest).toMatchObject({ isTable: true, modelClass: 'sklearn.pipeline.Pipeline', signature: proof.signature });
    expect(sample).toEqual({ inputs: [doubles('age', 1, 2)], outputs: [doubles('prediction', 3, 4)] });
    expect((await prove(said({ ...proof, sample: null }))).sample).toBeNull();
  });

  test('the program is told all that was asked', async () => {
    const asked: unknown[] = [];
    const run: RunPythonInspection = async (...given) => {
      asked.push(...given);
      return said(proof);
    };
    await createPythonInspection(run).prove(request, signal);
    expect(asked).toEqual([{ kind: 'prove', ...request }, signal]);
  });

  test.each(['model_unloadable', 'sample_needed', 'sample_differs', 'requirements_needed'])(
    'what it found is passed on: %s',
    async (code) => {
      await expect(prove(said(problem(code, { details: { module: 'x' } })))).rejects.toMatchObject({
        code,
        message: 'told by it',
        details: { module: 'x' },
      });
    },
  );

  test('without a remedy of its own, that of the catalogue is shown', async () => {
    await expect(prove(said(problem('sample_needed')))).rejects.toMatchObject({
      remedy: 'Hand it over with a few rows: --sample rows.csv.',
    });
  });

  test('details without end are left out', async () => {
    const details = { text: 'x'.repeat(100_000) };
    await expect(prove(said(problem('model_unloadable', { details })))).rejects.toMatchObject({ details: {} });
  });

  test.each<[string, End]>([
    ['a code that is not its own to give', said(problem('not_allowed'))],
    ['a signature without outputs', said({ ...proof, signature: { inputs: [spec], outputs: [] } })],
    ['two inputs of one name', said({ ...proof, signature: { ...proof.signature, inputs: [spec, spec] } })],
    ['a primary output that is none', said({ ...proof, signature: { ...proof.signature, primary: 'other' } })],
    ['a sample of another size', said({ ...proof, sample: { ...proof.sample, payload: 'AAAA' } })],
    ['a sample that is no base64', said({ ...proof, sample: { ...proof.sample, payload: '?' } })],
    ['silence', { outcome: 'done', text: '' }],
    ['an end by the model', { outcome: 'failed', detail: 'ended with exit code 0' }],
    ['an endless load', { outcome: 'timeout', detail: 'it took longer than 120 s' }],
    ['much memory', { outcome: 'memory', detail: 'it took more than 4 GB' }],
    ['much output', { outcome: 'output', detail: 'it printed more than 16 MB' }],
  ])('%s is model_unloadable', async (_name, end) => {
    await expect(prove(end)).rejects.toMatchObject({ code: 'model_unloadable' });
  });

  test('one that was cancelled throws why', async () => {
    const reason = new Error('not needed any more');
    const end: End = { outcome: 'cancelled', detail: 'it was cancelled' };
    await expect(prove(end, AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(look(end, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
