import { type Datatype, MusterError, type Sample, type Tensor, packSample, tensorHeaders } from '@muster-ml/protocol';
import { duplicateIn } from './apply-hints.ts';
import { encodeCells } from './encode-cells.ts';

/** Bytes of all tensors of a sample: they travel to every replica, and back in the text of a proof. */
const maxSampleBytes = 8 * 1024 * 1024;

type SampleTensor = Sample['inputs'][number];

/** A sample in the form that travels with a version. Throws `invalid_sample`, at the place in the body. */
export function packJsonSample(sample: Sample): Uint8Array {
  const inputs = tensorsOf(sample.inputs, 'body.sample.inputs');
  const outputs = tensorsOf(sample.outputs, 'body.sample.outputs');
  const ragged = sample.isTable ? inputs.find(({ shape }) => shape[0] !== inputs[0]?.shape[0]) : undefined;
  if (ragged !== undefined) {
    throw new MusterError('invalid_sample', `the column ${ragged.name} has another number of rows than the first`, {
      place: 'body.sample.inputs',
    });
  }
  const tensors = [...inputs, ...outputs];
  const sizeBytes = tensors.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (sizeBytes > maxSampleBytes) {
    throw new MusterError('invalid_sample', `the sample takes ${sizeBytes} bytes, at most ${maxSampleBytes} are kept`, {
      place: 'body.sample',
      remedy: 'Send fewer rows; a few are enough.',
    });
  }
  return packTensors(inputs, outputs, sample.isTable);
}

/** The same, of tensors. */
export function packTensors(inputs: readonly Tensor[], outputs: readonly Tensor[], isTable: boolean): Uint8Array {
  return packSample(
    { inputs: tensorHeaders(inputs), outputs: tensorHeaders(outputs), isTable },
    [...inputs, ...outputs].map(({ bytes }) => bytes),
  );
}

function tensorsOf(given: readonly SampleTensor[], place: string): readonly Tensor[] {
  const twice = duplicateIn(given.map(({ name }) => name));
  if (twice !== undefined) throw new MusterError('invalid_sample', `${twice} is there twice`, { place });
  return given.map((tensor, index) => encodeTensor(tensor, `${place}[${index}]`));
}

function encodeTensor({ name, datatype, shape, data }: SampleTensor, place: string): Tensor {
  const elements: unknown[] = [];
  flatten(data, Math.max(shape.length, 1), elements);
  const count = shape.reduce((product, size) => product * size, 1);
  if (elements.length !== count) {
    const held = `data holds ${elements.length} elements, the shape [${shape.join(', ')}] has ${count}`;
    throw new MusterError('invalid_sample', `${name}: ${held}`, { place: `${place}.data` });
  }
  const cells: (string | null)[] = [];
  for (const [index, element] of elements.entries()) {
    const cell = cellOf(element, datatype);
    if (cell === undefined) throw unfit(name, datatype, index, place);
    cells.push(cell);
  }
  const bytes = encodeCells(cells, datatype);
  if (bytes instanceof Uint8Array) return { name, datatype, shape, bytes };
  throw unfit(name, datatype, bytes.unfitIndex, place);
}

/** Takes apart what nests as the shape does; what nests deeper stays as it is, and fits no datatype. */
function flatten(data: readonly unknown[], depth: number, into: unknown[]): void {
  for (const item of data) {
    if (depth > 1 && Array.isArray(item)) flatten(item, depth - 1, into);
    else into.push(item);
  }
}

/** A value of JSON as a cell; undefined where it is none of the datatype. */
function cellOf(value: unknown, datatype: Datatype): string | null | undefined {
  if (value === null) return datatype === 'BYTES' || isFloat(datatype) ? null : undefined;
  if (datatype === 'BYTES') return typeof value === 'string' ? value : undefined;
  if (datatype === 'BOOL') return typeof value === 'boolean' ? String(value) : undefined;
  if (isFloat(datatype)) {
    if (typeof value === 'number') return String(value);
    return typeof value === 'string' && /^(NaN|-?Infinity)$/.test(value) ? value : undefined;
  }
  // JSON has rounded what is beyond 2^53 already: such integers come as text.
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? value : undefined;
}

function isFloat(datatype: Datatype): boolean {
  return datatype.startsWith('FP') || datatype === 'BF16';
}

function unfit(name: string, datatype: Datatype, index: number, place: string): MusterError {
  // The value itself is not quoted: it may be somebody's personal data.
  return new MusterError('invalid_sample', `${name}: element ${index} is no value of ${datatype}`, {
    place: `${place}.data`,
    ...(datatype.includes('64') && !isFloat(datatype) ? { remedy: 'Send integers beyond 2^53 as text.' } : {}),
  });
}
