import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOver } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';

interface Expected {
  readonly tolerance: number;
  readonly class_names: readonly string[];
  readonly versions: Readonly<
    Record<
      string,
      {
        readonly model: string;
        readonly labels: readonly (string | number)[];
        readonly probabilities: readonly (readonly number[])[];
      }
    >
  >;
}

/** Every example with every version: the file, what is handed over with it, and how its outputs are called. */
const cases = [
  {
    example: 'breast-cancer',
    version: '1',
    expected: 'heldout-expected.json',
    sample: true,
    label: 'output_label',
    probability: 'output_probability',
  },
  {
    example: 'breast-cancer',
    version: '2',
    expected: 'heldout-expected.json',
    sample: false,
    label: 'output_label',
    probability: 'output_probability',
  },
  {
    example: 'wine-columns',
    version: '1',
    expected: 'expected.json',
    sample: false,
    label: 'label',
    probability: 'probabilities',
  },
] as const;

let place: Place;
let muster: RunningMuster;
beforeAll(async () => {
  place = await makePlace();
  muster = await startMuster(place);
});
afterAll(async () => {
  await muster.stop();
  await removePlace(place);
});

describe.each(cases)(
  '$example version $version answers what the training library answered, for every held-out row',
  (which) => {
    const folder = join(root, 'examples', which.example);
    const endpoint = `${which.example}-${which.version}`;
    let known: Expected['versions'][string];
    let expected: Expected;
    let csv: string;
    let header: readonly string[];
    let rows: readonly (readonly string[])[];

    beforeAll(async () => {
      expected = JSON.parse(await readFile(join(folder, which.expected), 'utf8')) as Expected;
      const found = expected.versions[which.version];
      if (found === undefined) throw new Error('no such version');
      known = found;
      csv = await readFile(join(folder, 'heldout.csv'), 'utf8');
      const [first = '', ...lines] = csv.trimEnd().split('\n');
      header = first.split(',');
      rows = lines.map((line) => line.split(','));
      await handOver(muster.client, endpoint, join(folder, known.model), {
        signature: { labels: [...expected.class_names] },
        ...(which.sample ? { sampleCsv: await readFile(join(folder, 'sample.csv'), 'utf8') } : {}),
      });
    });

    /** Largest difference from the recorded probabilities; labels must be equal. */
    function worst(labels: readonly unknown[], probabilities: readonly (readonly number[])[]): number {
      expect(labels.map(String)).toEqual(known.labels.map(String));
      expect(probabilities).toHaveLength(known.probabilities.length);
      return Math.max(
        ...probabilities.flatMap((row, at) =>
          row.map((value, index) => Math.abs(value - (known.probabilities[at]?.[index] ?? Number.NaN))),
        ),
      );
    }

    /** The inputs as OIP tensors: one matrix, or a column for each feature. */
    async function tensors(): Promise<
      { name: string; datatype: string; shape: number[]; data: (number | string)[] }[]
    > {
      const metadata = (await (await muster.client.request(`/v2/models/${endpoint}`)).json()) as {
        inputs: { name: string; datatype: string; shape: number[] }[];
      };
      return metadata.inputs.map(({ name, datatype, shape }) => {
        if (metadata.inputs.length === 1)
          return { name, datatype, shape: [rows.length, shape[1] ?? 1], data: rows.flat().map(Number) };
        const at = header.indexOf(name);
        const column = rows.map((row) => row[at] ?? '');
        return { name, datatype, shape: [rows.length, 1], data: datatype === 'BYTES' ? column : column.map(Number) };
      });
    }

    async function post(
      path: string,
      body: string | Uint8Array<ArrayBuffer>,
      headers: Record<string, string> = {},
    ): Promise<Response> {
      const response = await muster.client.request(path, { method: 'POST', body, headers });
      expect(response.status, response.ok ? '' : await response.clone().text()).toBe(200);
      return response;
    }

    function rowsOf(flat: readonly number[]): number[][] {
      const width = expected.class_names.length;
      return Array.from({ length: flat.length / width }, (_, row) => flat.slice(row * width, (row + 1) * width));
    }

    it('by the Open Inference Protocol as JSON', async () => {
      const response = await post(`/v2/models/${endpoint}/infer`, JSON.stringify({ inputs: await tensors() }));
      const { outputs } = (await response.json()) as { outputs: { name: string; data: number[] }[] };
      const data = (name: string): number[] => outputs.find((output) => output.name === name)?.data ?? [];
      expect(worst(data(which.label), rowsOf(data(which.probability)))).toBeLessThanOrEqual(1e-5);
    });

    it('by the Open Inference Protocol as binary tensors', async () => {
      const sections = (await tensors()).map((tensor) => ({ tensor, bytes: bytesOf(tensor) }));
      const inputs = sections.map(({ tensor: { name, datatype, shape }, bytes }) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: bytes.byteLength },
      }));
      const json = Buffer.from(
        JSON.stringify({
          inputs,
          parameters: { binary_data_output: true },
          outputs: [{ name: which.label, parameters: { binary_data: false } }, { name: which.probability }],
        }),
      );
      const response = await post(
        `/v2/models/${endpoint}/infer`,
        new Uint8Array(Buffer.concat([json, ...sections.map(({ bytes }) => bytes)])),
        {
          'inference-header-content-length': String(json.byteLength),
          'content-type': 'application/octet-stream',
        },
      );
      const body = Buffer.from(await response.arrayBuffer());
      const headerLength = Number(response.headers.get('inference-header-content-length'));
      const { outputs } = JSON.parse(body.subarray(0, headerLength).toString()) as {
        outputs: { name: string; data?: number[] }[];
      };
      const floats = new Float32Array(new Uint8Array(body.subarray(headerLength)).buffer);
      expect(worst(outputs[0]?.data ?? [], rowsOf([...floats]))).toBeLessThanOrEqual(1e-5);
    });

    it('by /predict with rows as JSON', async () => {
      const inputs = await tensors();
      const isText = (name: string): boolean =>
        inputs.some((input) => input.name === name && input.datatype === 'BYTES');
      const body = {
        rows: rows.map((row) =>
          Object.fromEntries(header.map((name, at) => [name, isText(name) ? row[at] : Number(row[at])])),
        ),
      };
      const response = await post(`/predict/${endpoint}`, JSON.stringify(body), { 'content-type': 'application/json' });
      expectPredictions(await response.json());
    });

    it('by /predict with CSV', async () => {
      const response = await post(`/predict/${endpoint}`, csv, { 'content-type': 'text/csv' });
      expectPredictions(await response.json());
    });

    function expectPredictions(answer: unknown): void {
      const { predictions } = answer as { predictions: Record<string, unknown>[] };
      const labels = predictions.map((prediction) => prediction[which.label]);
      const probabilities = predictions.map((prediction) => {
        const byClass = prediction[which.probability] as Record<string, number>;
        return expected.class_names.map((name) => byClass[name] ?? Number.NaN);
      });
      expect(worst(labels, probabilities)).toBeLessThanOrEqual(1e-5);
    }
  },
);

/** The binary form of a tensor: little-endian, strings with their length before them. */
function bytesOf({
  datatype,
  data,
}: {
  readonly datatype: string;
  readonly data: readonly (number | string)[];
}): Buffer {
  if (datatype === 'BYTES') {
    return Buffer.concat(
      data.flatMap((value) => {
        const text = Buffer.from(String(value));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.byteLength);
        return [length, text];
      }),
    );
  }
  if (datatype === 'INT64') return Buffer.from(BigInt64Array.from(data, (value) => BigInt(value)).buffer);
  return Buffer.from(Float32Array.from(data, Number).buffer);
}

describe('a network that somebody else trained', () => {
  it('answers what another runtime of the same file answered', async () => {
    const folder = join(root, 'e2e/stories/scan-triage');
    const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as {
      tolerance: number;
      outputs: { name: string; data: number[] }[];
    };
    await handOver(muster.client, 'scan-triage', join(folder, 'text-orientation.onnx'));
    const response = await muster.client.request('/v2/models/scan-triage/infer', {
      method: 'POST',
      body: await readFile(join(folder, 'inputs.json'), 'utf8'),
    });
    const { outputs } = (await response.json()) as { outputs: { name: string; data: number[] }[] };
    for (const [at, output] of expected.outputs.entries()) {
      expect(outputs[at]?.name).toBe(output.name);
      for (const [index, value] of output.data.entries())
        expect(Math.abs((outputs[at]?.data[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(expected.tolerance);
    }
  });
});
