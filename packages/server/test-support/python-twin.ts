import { readFile } from 'node:fs/promises';
import { type Tensor, unpackSample } from '@muster-ml/protocol';
import { tensorsIn } from '../src/registry/fit-sample.ts';
import type { Look, Proof, ProofRequest } from '../src/registry/python-inspection.ts';

/** The beginning of a pickle of protocol 4. */
export const pickle = (content = 'model'): Uint8Array => Buffer.concat([Buffer.of(0x80, 4), Buffer.from(content)]);

/** What a look finds in a made-up pickle of scikit-learn. */
export const looked: Look = {
  format: 'pickle',
  runtime: 'python',
  producer: 'scikit-learn 1.5.2',
  modelClass: 'sklearn.linear_model.LogisticRegression',
  modules: ['sklearn'],
  requirements: ['scikit-learn==1.5.2'],
  pythonVersion: '3.11',
  dangers: [],
  missing: [],
  adaptations: ['looked'],
};

export const doubles = (name: string, ...values: number[]): Tensor => ({
  name,
  datatype: 'FP64',
  shape: [values.length],
  bytes: new Uint8Array(Float64Array.from(values).buffer),
});

/** A model that takes what its sample has, or a column `x`, and answers 0, 1, 2, … */
export async function proveTwin(request: Pick<ProofRequest, 'sampleFile'>): Promise<Proof> {
  const { sampleFile } = request;
  const sample =
    sampleFile === undefined
      ? { inputs: [doubles('x', 0)], isTable: false }
      : tensorsIn(unpackSample(await readFile(sampleFile)));
  const rows = sample.inputs[0]?.shape[0] ?? 0;
  return {
    signature: {
      inputs: sample.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: [-1, ...shape.slice(1)] })),
      outputs: [{ name: 'prediction', datatype: 'FP64', shape: [-1] }],
    },
    isTable: sample.isTable,
    modelClass: '',
    adaptations: ['proved'],
    sample: {
      inputs: sample.inputs,
      outputs: [doubles('prediction', ...Array.from({ length: rows }, (_, row) => row))],
    },
  };
}
