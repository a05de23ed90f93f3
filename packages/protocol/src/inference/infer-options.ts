import { MusterError } from '../errors/muster-error.ts';
import { type InferParameter, type InferParameters, type InferRequest, noParameters } from './infer-request.ts';
import { quoteName } from './shape.ts';

/** What the parameters of a request ask of the server; the rest is the model's. */
export interface InferOptions {
  /** Most time that the caller gives, in microseconds; undefined: the endpoint's own limit. */
  readonly timeoutMicros: number | undefined;
  /** `binary_data_output`: the form of outputs that say nothing themselves; undefined: JSON. */
  readonly isBinaryOutput: boolean | undefined;
  /** What is neither the server's nor reserved: part of what makes requests alike. */
  readonly modelParameters: InferParameters;
}

const noOptions: InferOptions = Object.freeze({
  timeoutMicros: undefined,
  isBinaryOutput: undefined,
  modelParameters: noParameters,
});

/**
 * Takes the server's parameters out of a request's. A reserved one that has no effect here (sequences, priority) is
 * refused with `not_offered` unless it asks for nothing: no setting is accepted and ignored.
 */
export function inferOptions(parameters: InferParameters): InferOptions {
  if (parameters === noParameters) return noOptions;
  let timeoutMicros: number | undefined;
  let isBinaryOutput: boolean | undefined;
  let modelParameters: Record<string, InferParameter> | undefined;
  for (const [name, value] of Object.entries(parameters)) {
    switch (name) {
      case 'timeout':
        timeoutMicros = timeout(value);
        break;
      case 'binary_data_output':
        isBinaryOutput = boolean(name, value);
        break;
      case 'sequence_id':
        if (value !== 0 && value !== '') throw notOffered(name, 'sequences are not offered');
        break;
      case 'sequence_start':
      case 'sequence_end':
        boolean(name, value);
        break;
      case 'priority':
        if (value !== 0) throw notOffered(name, 'priorities are not offered');
        break;
      case 'triton_enable_empty_final_response':
        if (boolean(name, value)) throw notOffered(name, 'streams are not offered');
        break;
      default:
        if (name.startsWith('triton_')) throw invalid(name, 'is reserved and unknown');
        (modelParameters ??= {})[name] = value;
    }
  }
  return { timeoutMicros, isBinaryOutput, modelParameters: modelParameters ?? noParameters };
}

/**
 * Whether an output goes as binary: by its own parameter, else by the request's, else by `isBinaryDefault`.
 * Throws `not_offered` for `classification`.
 */
export function wantsBinary(output: InferParameters, options: InferOptions, isBinaryDefault: boolean): boolean {
  const own = output['binary_data'];
  if (own !== undefined) return boolean('binary_data', own);
  return options.isBinaryOutput ?? isBinaryDefault;
}

/** Checks the outputs of a request in themselves: none twice, nothing asked that is not offered. */
export function requestedOutputNames(request: InferRequest): readonly string[] | undefined {
  if (request.outputs.length === 0) return undefined;
  const names = new Set<string>();
  request.outputs.forEach((output, index) => {
    const place = `outputs[${index}]`;
    if (names.has(output.name)) {
      throw new MusterError(
        'invalid_inference_request',
        `${place}: output ${quoteName(output.name)} is asked for twice`,
        { place },
      );
    }
    names.add(output.name);
    const { classification, shared_memory_region: region } = output.parameters;
    if (classification !== undefined && classification !== 0)
      throw notOffered('classification', 'classification is not offered', place);
    if (region !== undefined) throw notOffered('shared_memory_region', 'shared memory is not offered', place);
  });
  return [...names];
}

function timeout(value: InferParameter): number | undefined {
  const micros = typeof value === 'bigint' ? Number(value) : value;
  if (typeof micros !== 'number' || !Number.isInteger(micros) || micros < 0) {
    throw invalid('timeout', 'must be an integer of microseconds');
  }
  return micros === 0 ? undefined : micros;
}

function boolean(name: string, value: InferParameter): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(name, 'must be true or false');
}

function invalid(name: string, what: string): MusterError {
  return new MusterError('invalid_inference_request', `the parameter ${quoteName(name)} ${what}`, {
    place: `parameters.${name}`,
  });
}

function notOffered(name: string, what: string, place = 'parameters'): MusterError {
  return new MusterError('not_offered', what, {
    place: place === 'parameters' ? `${place}.${name}` : `${place}.parameters.${name}`,
  });
}
