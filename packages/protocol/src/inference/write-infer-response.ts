import { MusterError } from '../errors/muster-error.ts';
import { quoteName } from './shape.ts';
import { tensorElementTexts } from './tensor-values.ts';
import type { Tensor, TensorSpec } from './tensor.ts';

export interface InferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  /** Echoed where the request had one. */
  readonly id: string | undefined;
  readonly outputs: readonly Tensor[];
  /** What the model says about its outputs, where texts may be missing in some. */
  readonly specs?: readonly TensorSpec[] | undefined;
  /** Which outputs go as binary sections, by index; undefined: none. */
  readonly binary: readonly boolean[] | undefined;
}

/** The JSON of a response and the binary sections that follow it, in order. */
export interface WrittenResponse {
  readonly json: string;
  readonly sections: readonly Uint8Array[];
}

const noSections: readonly Uint8Array[] = Object.freeze([]);

/**
 * Writes a response of the Open Inference Protocol. Data are always flat. Throws `output_not_text` where a BYTES
 * output is to be JSON but is not UTF-8: a replacement character would be a silent lie.
 */
export function writeInferResponse(response: InferResponse): WrittenResponse {
  let json = `{"model_name":${JSON.stringify(response.modelName)},"model_version":${JSON.stringify(response.modelVersion)}`;
  if (response.id !== undefined) json += `,"id":${JSON.stringify(response.id)}`;
  json += ',"outputs":[';
  let sections: Uint8Array[] | undefined;
  for (let i = 0; i < response.outputs.length; i++) {
    const output = response.outputs[i];
    if (output === undefined) continue;
    json += `${i === 0 ? '' : ','}{"name":${JSON.stringify(output.name)},"datatype":"${output.datatype}","shape":[${output.shape.join(',')}]`;
    if (response.binary?.[i] === true) {
      json += `,"parameters":{"binary_data_size":${output.bytes.length}}}`;
      (sections ??= []).push(output.bytes);
    } else json += `,"data":[${dataText(output, response.specs)}]}`;
  }
  return { json: `${json}]}`, sections: sections ?? noSections };
}

function dataText(output: Tensor, specs: readonly TensorSpec[] | undefined): string {
  const isNullable = output.datatype === 'BYTES' && specs?.find(({ name }) => name === output.name)?.nullable;
  const texts = tensorElementTexts(output, isNullable);
  const broken = output.datatype === 'BYTES' ? texts.indexOf(undefined) : -1;
  if (broken >= 0) {
    throw new MusterError(
      'output_not_text',
      `element ${broken} of output ${quoteName(output.name)} is not UTF-8, so JSON cannot carry it`,
      {
        place: 'outputs',
      },
    );
  }
  return texts.join(',');
}
