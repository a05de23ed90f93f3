import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { cli, post } from './support/command-line.ts';
import { pythonVersion, pythonWith } from './support/python.ts';

const run = promisify(execFile);

/** What `python/models.py` writes beside each model. */
interface Deploy {
  readonly file: string;
  readonly sample?: string;
  readonly requirements?: string;
}

type Row = Readonly<Record<string, unknown>>;
/** By output, one value a row. */
type Expected = Readonly<Record<string, readonly unknown[]>>;

const models = [
  'sklearn-pipeline',
  'joblib-forest',
  'skops-regressor',
  'xgboost-pickle',
  'xgboost-file',
  'xgboost-stopped-early',
  'lightgbm-pickle',
  'lightgbm-file',
  'catboost-file',
  'own-class',
  'text-pipeline',
  'plain-folder',
  'mlflow-folder',
  'mlflow-pyfunc',
  // As the MLflow of two years ago logs them, with the libraries of that time.
  'mlflow2-folder',
  'mlflow2-pyfunc',
] as const;

const isCi = process.env['CI'] === 'true';
const hasPython = pythonVersion() !== undefined || isCi;

let place: Place;
let muster: RunningMuster;
let fitted = '';

describe.skipIf(!hasPython)('a model from its owner’s Python, handed over as a file', () => {
  beforeAll(async () => {
    fitted = await mkdtemp(join(tmpdir(), 'muster-models-'));
    const python = await pythonWith(join(root, 'e2e/python/requirements.txt'));
    const newest = models.filter((name) => !name.startsWith('mlflow2-'));
    await run(python, [join(root, 'e2e/python/models.py'), fitted, ...newest], { cwd: fitted, timeout: 300_000 });
    const older = await pythonWith(join(root, 'e2e/python/requirements-mlflow2.txt'));
    const old = ['mlflow-folder', 'mlflow-pyfunc'];
    await run(older, [join(root, 'e2e/python/models.py'), join(fitted, 'old'), ...old], {
      cwd: fitted,
      timeout: 300_000,
    });
    place = await makePlace();
    muster = await startMuster(place);
  }, 1_200_000);

  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
    await rm(fitted, { recursive: true, force: true });
  });

  describe.each(models)('%s', (name) => {
    const folder = (): string =>
      name.startsWith('mlflow2-') ? join(fitted, 'old', name.replace('mlflow2-', 'mlflow-')) : join(fitted, name);
    let rows: readonly Row[];
    let expected: Expected;

    beforeAll(async () => {
      rows = JSON.parse(await readFile(join(folder(), 'rows.json'), 'utf8')) as Row[];
      expected = JSON.parse(await readFile(join(folder(), 'expected.json'), 'utf8')) as Expected;
    });

    it('is deployed by one command', async () => {
      const deploy = JSON.parse(await readFile(join(folder(), 'deploy.json'), 'utf8')) as Deploy;
      await cli(muster, [
        'deploy',
        join(folder(), deploy.file),
        '--name',
        name,
        ...(deploy.sample === undefined ? [] : ['--sample', join(folder(), deploy.sample)]),
        ...(deploy.requirements === undefined ? [] : ['--requirements', deploy.requirements]),
      ]);
      const endpoint = await muster.client.call('endpointGet', { params: { endpoint: name } });
      expect(endpoint).toMatchObject({ ready: true, standing: 'deployed' });
    }, 600_000);

    it('answers as at home through /predict', async () => {
      const answer = await post(muster, `/predict/${name}`, { rows });
      const { predictions } = answer as { readonly predictions: readonly Row[] };
      expectEqual(
        predictions.map((row) => outputsOf(row)),
        rows.map((_, index) => rowOf(expected, index)),
      );
    });

    it('answers as at home through /endpoints/…/invocations', async () => {
      const answer = await post(muster, `/endpoints/${name}/invocations`, { dataframe_records: rows });
      const { predictions } = answer as { readonly predictions: readonly unknown[] };
      const outputs = Object.keys(expected).filter((output) => output !== 'probabilities');
      expectEqual(
        predictions,
        rows.map((_, index) => (outputs.length === 1 ? expected[outputs[0] ?? '']?.[index] : rowOf(expected, index))),
      );
    });

    it('answers as at home through /v2', async () => {
      const metadata = (await get(`/v2/models/${name}`)) as { readonly inputs: readonly Spec[] };
      const endpoint = await muster.client.call('endpointGet', { params: { endpoint: name } });
      const inputs = tensorsOf(rows, metadata.inputs, endpoint.signature?.features);
      const answer = (await post(muster, `/v2/models/${name}/infer`, { inputs })) as {
        readonly outputs: readonly Output[];
      };
      for (const [output, values] of Object.entries(expected)) {
        const found = answer.outputs.find((one) => one.name === output);
        const isJson = endpoint.signature?.outputs.some((spec) => spec.name === output && spec.isJson === true);
        const data = isJson ? found?.data.map((text) => JSON.parse(String(text)) as unknown) : found?.data;
        expectEqual(data ?? [], isJson ? values : values.flat());
      }
    });

    it('answers as at home in batch', async () => {
      const [input, output] = [join(fitted, `${name}.jsonl`), join(fitted, `${name}-scored.jsonl`)];
      await writeFile(input, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      await cli(muster, ['score', name, input, '-o', output]);
      const lines = (await readFile(output, 'utf8')).trimEnd().split('\n');
      const scored = lines.map((line) => outputsOf(JSON.parse(line) as Row, Object.keys(expected)));
      expectEqual(
        scored,
        rows.map((_, index) => rowOf(expected, index)),
      );
    });
  });
});

interface Spec {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

interface Output {
  readonly name: string;
  readonly data: readonly unknown[];
}

async function get(path: string): Promise<unknown> {
  const response = await fetch(`${muster.url}${path}`, { headers: { authorization: `Bearer ${muster.token}` } });
  return await response.json();
}

/** The rows as the tensors that the model takes: one a column, or one matrix. */
function tensorsOf(rows: readonly Row[], specs: readonly Spec[], features: readonly string[] | undefined): unknown[] {
  const [matrix] = specs;
  if (matrix !== undefined && specs.length === 1 && features !== undefined) {
    const data = rows.flatMap((row) => features.map((feature) => row[feature] ?? null));
    return [{ ...matrix, shape: [rows.length, features.length], data }];
  }
  return specs.map((spec) => ({
    ...spec,
    shape: [rows.length, ...spec.shape.slice(1)],
    data: rows.map((row) => {
      const value = row[spec.name] ?? null;
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
    }),
  }));
}

function rowOf(expected: Expected, index: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(expected).map(([output, values]) => [output, values[index]]));
}

/** The outputs of a row; probabilities by class become their list. */
function outputsOf(row: Row, wanted: readonly string[] = Object.keys(row)): Record<string, unknown> {
  return Object.fromEntries(
    wanted.map((output) => {
      const value = row[output];
      const isByClass = output === 'probabilities' && typeof value === 'object' && !Array.isArray(value);
      return [output, isByClass ? Object.values(value ?? {}) : value];
    }),
  );
}

/** Equal, numbers within 1e-5 of each other. */
function expectEqual(found: unknown, expected: unknown): void {
  if (Array.isArray(expected) && Array.isArray(found)) {
    expect(found.length).toBe(expected.length);
    expected.forEach((value, index) => expectEqual(found[index], value));
  } else if (typeof expected === 'number' && typeof found === 'number') {
    expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected)));
  } else if (typeof expected === 'object' && expected !== null && typeof found === 'object' && found !== null) {
    expect(Object.keys(found).filter((key) => key in expected)).toEqual(
      expect.arrayContaining(Object.keys(expected)) as string[],
    );
    for (const [key, value] of Object.entries(expected)) expectEqual((found as Row)[key], value);
  } else expect(found).toEqual(expected);
}
