import {
  type InferParameters,
  MusterError,
  type Signature,
  type Tensor,
  type TensorHeader,
  datatypeSizes,
} from '@muster-ml/protocol';

/** What a request must have in common with another one to share a run with it. */
export interface Mergeable {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[] | undefined;
  readonly parameters: InferParameters;
}

/**
 * The merge key within one deployment: input names, datatypes and shapes without dim 0, requested outputs and
 * parameters. Requests whose rows can be counted and whose keys are equal may share a run.
 */
export function mergeKey({ inputs, outputs, parameters }: Mergeable): string {
  let key = '';
  // Lengths go before names, so that no name can look like another request's key.
  for (const { name, datatype, shape } of inputs) {
    key += `${name.length}:${name}${datatype}`;
    for (let axis = 1; axis < shape.length; axis += 1) key += `,${shape[axis]}`;
  }
  if (outputs !== undefined) {
    key += '>';
    for (const name of outputs) key += `${name.length}:${name}`;
  }
  const names = Object.keys(parameters);
  if (names.length > 0)
    key += JSON.stringify(names.toSorted().map((name) => [name, typeof parameters[name], String(parameters[name])]));
  return key;
}

/** The inputs of several requests as one: headers, and the callers' own bytes in the order of the frame's payload. */
export function mergeInputs(
  requests: readonly { readonly inputs: readonly Tensor[]; readonly rows: number | undefined }[],
): { readonly headers: readonly TensorHeader[]; readonly payload: readonly Uint8Array[] } {
  const [first] = requests;
  const headers: TensorHeader[] = [];
  const payload: Uint8Array[] = [];
  if (first === undefined) return { headers, payload };
  if (requests.length === 1) {
    for (const { name, datatype, shape, bytes } of first.inputs) {
      headers.push({ name, datatype, shape, size: bytes.byteLength });
      payload.push(bytes);
    }
    return { headers, payload };
  }
  let rows = 0;
  for (const request of requests) rows += request.rows ?? 0;
  for (let index = 0; index < first.inputs.length; index += 1) {
    const input = first.inputs[index];
    if (input === undefined) continue;
    const { name, datatype, shape } = input;
    let size = 0;
    for (const request of requests) {
      const bytes = request.inputs[index]?.bytes;
      if (bytes === undefined) throw new MusterError('internal_error', 'requests with different inputs were merged');
      size += bytes.byteLength;
      payload.push(bytes);
    }
    headers.push({ name, datatype, shape: [rows, ...shape.slice(1)], size });
  }
  return { headers, payload };
}

/**
 * The outputs of a merged run, cut into each request's rows, as views. Undefined if an output does not have one row for
 * each row that went in: then the model must not be given merged rows at all.
 */
export function splitOutputs(outputs: readonly Tensor[], rowCounts: readonly number[]): Tensor[][] | undefined {
  const total = rowCounts.reduce((sum, rows) => sum + rows, 0);
  const parts: Tensor[][] = rowCounts.map(() => []);
  for (const output of outputs) {
    if (output.shape[0] !== total) return undefined;
    const rest = output.shape.slice(1);
    const rowElements = rest.reduce((product, dimension) => product * dimension, 1);
    const fixed = datatypeSizes[output.datatype] * rowElements;
    let at = 0;
    for (let index = 0; index < rowCounts.length; index += 1) {
      const rows = rowCounts[index] ?? 0;
      const end = output.datatype === 'BYTES' ? endOfElements(output, at, rows * rowElements) : at + rows * fixed;
      if (end === undefined) return undefined;
      parts[index]?.push({
        name: output.name,
        datatype: output.datatype,
        shape: [rows, ...rest],
        bytes: output.bytes.subarray(at, end),
      });
      at = end;
    }
    if (at !== output.bytes.byteLength) return undefined;
  }
  return parts;
}

/** Where `count` elements of a BYTES tensor end, walking their 4-byte prefixes; undefined if the bytes end before. */
function endOfElements({ bytes }: Tensor, start: number, count: number): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  for (let element = 0; element < count; element += 1) {
    if (at + 4 > bytes.byteLength) return undefined;
    at += 4 + view.getUint32(at, true);
    if (at > bytes.byteLength) return undefined;
  }
  return at;
}

/** Whether a model would take these inputs and give these outputs, so that a request may move to it. */
export function signatureAccepts(
  { inputs: specs, outputs: outputSpecs }: Signature,
  { inputs, outputs }: Pick<Mergeable, 'inputs' | 'outputs'>,
): boolean {
  const sent = new Map(inputs.map((input) => [input.name, input]));
  for (const spec of specs) {
    const input = sent.get(spec.name);
    if (input === undefined) {
      if (spec.optional !== true) return false;
      continue;
    }
    sent.delete(spec.name);
    const fits =
      input.datatype === spec.datatype &&
      input.shape.length === spec.shape.length &&
      spec.shape.every((dimension, axis) => dimension === -1 || dimension === input.shape[axis]);
    if (!fits) return false;
  }
  return sent.size === 0 && (outputs ?? []).every((name) => outputSpecs.some((spec) => spec.name === name));
}

/** The outputs that were asked for, in that order; all as the model gave them where none were named. Throws `model_failed` if one is missing. */
export function orderOutputs(outputs: readonly Tensor[], wanted: readonly string[] | undefined): readonly Tensor[] {
  if (
    wanted === undefined ||
    (wanted.length === outputs.length && wanted.every((name, index) => outputs[index]?.name === name))
  )
    return outputs;
  return wanted.map((name) => {
    const output = outputs.find((candidate) => candidate.name === name);
    if (output === undefined) throw new MusterError('model_failed', `the model gave no output "${name}"`);
    return output;
  });
}
