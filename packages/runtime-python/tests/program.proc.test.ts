import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Loaded,
  type Problem,
  type ResultHeader,
  type Signature,
  type TensorHeader,
  MusterError,
  catalogue,
  frameKinds,
  httpStatusOfKind,
  readTensors,
  tensorNumbers,
  tensorTexts,
} from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Link } from './link.ts';
import { pythonWithLibraries, systemPython } from './python-with-libraries.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
if (systemPython === undefined && process.env['CI'] !== undefined)
  throw new Error('the tests of the Python runtime need a python3 between 3.11 and 3.13');

/** What the proving program prints about a good model. */
interface Proof {
  readonly ok: boolean;
  readonly signature: Signature;
  readonly isTable: boolean;
  readonly sample: { readonly inputs: TensorHeader[]; readonly outputs: TensorHeader[]; readonly payload: string };
}

/** Fits a classifier on numbers and writes it, beside what it answers to two rows. */
const fit = `
import json, pickle, sys
import numpy
from sklearn.linear_model import LogisticRegression
rows = numpy.array([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
model = LogisticRegression().fit(rows, ["up", "down", "up", "down"])
with open(sys.argv[1], "wb") as file:
    pickle.dump(model, file)
with open(sys.argv[1] + ".json", "w") as file:
    json.dump([model.predict(rows[:2]).tolist(), model.predict_proba(rows[:2]).ravel().tolist()], file)
`;

describe.skipIf(systemPython === undefined)('the Python runtime (skipped where there is no python3)', () => {
  let python = '';
  let place = '';
  let runner: ChildProcess | undefined;
  let client: Link | undefined;
  beforeAll(async () => {
    python = await pythonWithLibraries(systemPython ?? '');
    place = mkdtempSync(join(tmpdir(), 'muster-python-'));
    mkdirSync(join(place, 'scratch'));
  }, 700_000);
  afterAll(async () => {
    client?.close();
    if (runner?.exitCode === null) {
      runner.kill('SIGKILL');
      await once(runner, 'exit');
    }
    rmSync(place, { recursive: true, force: true });
  });

  test('its own tests pass, with the real libraries', () => {
    const words = ['-W', 'ignore', '-B', '-m', 'unittest', 'discover', '-s', join(folder, 'tests'), '-t', folder];
    // Their output is on standard error, which is shown where they fail.
    expect(
      execFileSync(python, words, { cwd: join(place, 'scratch'), timeout: 890_000, stdio: 'pipe' }).toString(),
    ).toBe('');
  }, 900_000);

  test('its errors are those of the catalogue', () => {
    const script = 'import json; from muster_runtime.problem import CODES; print(json.dumps(CODES))';
    const codes = JSON.parse(execFileSync(python, ['-c', script], { cwd: folder }).toString()) as Record<
      string,
      unknown
    >;
    const known = Object.entries(catalogue).filter(([code]) => code in codes);
    expect(codes).toEqual(
      Object.fromEntries(
        known.map(([code, { kind, title, remedy }]) => [code, [title, httpStatusOfKind[kind], remedy]]),
      ),
    );
  });

  test('a pickle that was proved is loaded and answers over the link', async () => {
    const file = join(place, 'model.pkl');
    execFileSync(python, ['-c', fit, file]);
    const words = ['-I', join(folder, 'prove.py'), '--file', file, '--format', 'pickle'];
    const options = { cwd: join(place, 'scratch'), env: {} };
    const proof = JSON.parse(
      execFileSync(python, words, { ...options, stdio: ['ignore', 'pipe', 'inherit'] }).toString(),
    ) as Proof;
    expect(proof).toMatchObject({ ok: true, isTable: false, signature: { labels: ['down', 'up'], primary: 'label' } });

    const socket = join(place, 's');
    runner = spawn(python, ['-I', join(folder, 'program.py'), '--listen', `unix:${socket}`], {
      ...options,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (runner.stdout !== null) await once(runner.stdout, 'data');
    const opened = await Link.open(socket);
    client = opened.link;
    expect(opened.hello).toMatchObject({ link: 1, role: 'python', ready: [] });

    const { signature, isTable } = proof;
    const request = { replica: 'r', file, python: { format: 'pickle', signature, isTable } };
    const loaded = await client.ask(frameKinds.load, request);
    expect(loaded.header as Loaded).toMatchObject({ replica: 'r', warmup: 'a row of zeros and empty texts' });
    expect(client.events).toEqual([{ replica: 'r', state: 'ready' }]);

    const bytes = new Uint8Array(Float64Array.of(0, 1, 1, 0).buffer);
    const input = { name: 'input', datatype: 'FP64', size: bytes.byteLength };
    const infer = { replica: 'r', inputs: [{ ...input, shape: [2, 2] }] };
    const { header, payload, kind } = await client.ask(frameKinds.infer, infer, [bytes]);
    expect(kind).toBe(frameKinds.result);
    const [label, probabilities] = readTensors((header as ResultHeader).outputs, payload);
    if (label === undefined || probabilities === undefined)
      throw new MusterError('model_failed', 'outputs are missing');
    const [labels, scores] = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as [string[], number[]];
    expect(tensorTexts(label)).toEqual(labels);
    expect([...(tensorNumbers(probabilities) as ArrayLike<number> & Iterable<number>)]).toEqual(scores);

    const unfit = { replica: 'r', inputs: [{ ...input, shape: [4, 1] }] };
    const wrong = await client.ask(frameKinds.infer, unfit, [bytes]);
    expect(wrong.kind).toBe(frameKinds.error);
    expect((wrong.header as Problem).code).toBe('invalid_shape');
  }, 60_000);
});
