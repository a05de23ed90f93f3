import { MusterError } from '../errors/muster-error.ts';
import { decodeBase64Elements } from './base64-elements.ts';
import {
  type DescribedInput,
  type InferHeader,
  type InferParameter,
  type InferParameters,
  type RequestedOutput,
  noParameters,
} from './infer-request.ts';
import { JsonScanner } from './json-scanner.ts';
import { plainInteger } from './read-number.ts';
import { readTensorData } from './read-tensor-data.ts';
import { countElements, quoteName } from './shape.ts';
import { type Datatype, isDatatype } from './tensor.ts';

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const letterN = 0x6e;
const quote = 0x22;

/** The most inputs, outputs, or parameters of one thing that are read: far more than any model has. */
const maxEntries = 10_000;

const noOutputs: readonly RequestedOutput[] = Object.freeze([]);

/**
 * Reads the JSON of an inference request. Keys may come in any order, unknown ones are ignored, and of a repeated
 * one the last counts. Throws `invalid_json`, `invalid_inference_request`, `invalid_datatype`, `invalid_shape`,
 * `invalid_data`, `invalid_binary_data` and `not_offered` (shared memory).
 */
export function readInferHeader(bytes: Uint8Array, end: number = bytes.length): InferHeader {
  const scanner = new JsonScanner(bytes, end);
  let id: string | undefined;
  let parameters = noParameters;
  let inputs: readonly DescribedInput[] | undefined;
  let outputs = noOutputs;
  if (scanner.peek() !== openBrace) {
    scanner.skip();
    throw invalidRequest('the request must be a JSON object', 'body');
  }
  if (scanner.open(openBrace, closeBrace)) {
    do {
      switch (scanner.key()) {
        case 'id':
          id = readOptionalString(scanner, 'id');
          break;
        case 'parameters':
          parameters = readParameters(scanner, 'parameters');
          break;
        case 'inputs':
          inputs = readList(scanner, 'inputs', readInput);
          break;
        case 'outputs':
          outputs = readList(scanner, 'outputs', readOutput) ?? noOutputs;
          break;
        default:
          scanner.skip();
      }
    } while (scanner.more(closeBrace));
  }
  scanner.finish();
  if (inputs === undefined) throw invalidRequest('"inputs" is missing', 'inputs');
  return { id, parameters, inputs, outputs };
}

function readInput(scanner: JsonScanner, place: string): DescribedInput {
  let name: string | undefined;
  let datatype: Datatype | undefined;
  let shape: readonly number[] | undefined;
  let parameters = noParameters;
  let dataAt = -1;
  let bytes: Uint8Array | undefined;
  let readAs: { readonly datatype: Datatype; readonly shape: readonly number[] } | undefined;
  let afterInput = -1;

  if (scanner.open(openBrace, closeBrace)) {
    do {
      switch (scanner.key()) {
        case 'name':
          name = readOptionalString(scanner, `${place}.name`);
          break;
        case 'datatype':
          datatype = readDatatype(scanner, place);
          break;
        case 'shape':
          shape = readShape(scanner, place);
          break;
        case 'parameters':
          parameters = readParameters(scanner, `${place}.parameters`);
          break;
        case 'data':
          scanner.peek();
          dataAt = scanner.at;
          if (datatype !== undefined && shape !== undefined) {
            bytes = readTensorData(scanner, datatype, shape, countElements(shape, place), place);
            readAs = { datatype, shape };
          } else scanner.skip();
          break;
        default:
          scanner.skip();
      }
    } while (scanner.more(closeBrace));
  }
  if (name === undefined || name === '') throw invalidRequest(`${place} has no name`, `${place}.name`);
  if (datatype === undefined)
    throw invalidRequest(`${place} (${quoteName(name)}) has no datatype`, `${place}.datatype`);
  if (shape === undefined) throw invalidRequest(`${place} (${quoteName(name)}) has no shape`, `${place}.shape`);
  const count = countElements(shape, place);

  if (dataAt >= 0 && (readAs === undefined || readAs.datatype !== datatype || readAs.shape !== shape)) {
    // The data came before what tells how to read them: now it is known.
    afterInput = scanner.at;
    scanner.at = dataAt;
    bytes = readTensorData(scanner, datatype, shape, count, place);
    scanner.at = afterInput;
  }
  const binarySize = binarySizeOf(parameters, place);
  if (parameters['shared_memory_region'] !== undefined) {
    throw new MusterError('not_offered', `${place} (${quoteName(name)}) is in shared memory, which is not offered`, {
      place,
    });
  }
  if ((bytes === undefined) === (binarySize === undefined)) {
    const what = bytes === undefined ? 'has neither data nor binary_data_size' : 'has both data and binary_data_size';
    throw invalidRequest(`${place} (${quoteName(name)}) ${what}`, place);
  }
  if (bytes !== undefined && datatype === 'BYTES' && parameters['content_type'] === 'base64')
    bytes = decodeBase64Elements(bytes, place);
  return { name, datatype, shape, parameters, bytes, binarySize };
}

function readOutput(scanner: JsonScanner, place: string): RequestedOutput {
  let name: string | undefined;
  let parameters = noParameters;
  if (scanner.open(openBrace, closeBrace)) {
    do {
      switch (scanner.key()) {
        case 'name':
          name = readOptionalString(scanner, `${place}.name`);
          break;
        case 'parameters':
          parameters = readParameters(scanner, `${place}.parameters`);
          break;
        default:
          scanner.skip();
      }
    } while (scanner.more(closeBrace));
  }
  if (name === undefined || name === '') throw invalidRequest(`${place} has no name`, `${place}.name`);
  return { name, parameters };
}

/** A list of objects; `null` counts as absent. */
function readList<T>(
  scanner: JsonScanner,
  place: string,
  read: (scanner: JsonScanner, place: string) => T,
): T[] | undefined {
  if (scanner.peek() === letterN && scanner.word('null')) return undefined;
  if (scanner.peek() !== openBracket) throw wrongKind(scanner, `${place} must be a list`, place);
  const list: T[] = [];
  if (!scanner.open(openBracket, closeBracket)) return list;
  do {
    if (list.length === maxEntries) throw invalidRequest(`${place} has more than ${maxEntries} entries`, place);
    const entry = `${place}[${list.length}]`;
    if (scanner.peek() !== openBrace) throw wrongKind(scanner, `${entry} must be an object`, entry);
    list.push(read(scanner, entry));
  } while (scanner.more(closeBracket));
  return list;
}

function readOptionalString(scanner: JsonScanner, place: string): string | undefined {
  const byte = scanner.peek();
  if (byte === quote) return scanner.string();
  if (byte === letterN && scanner.word('null')) return undefined;
  throw wrongKind(scanner, `${place} must be a string`, place);
}

function readDatatype(scanner: JsonScanner, place: string): Datatype | undefined {
  const text = readOptionalString(scanner, `${place}.datatype`);
  if (text === undefined || isDatatype(text)) return text;
  throw new MusterError('invalid_datatype', `${place}.datatype: there is no datatype ${quoteName(text)}`, {
    place: `${place}.datatype`,
  });
}

function readShape(scanner: JsonScanner, place: string): readonly number[] {
  const at = `${place}.shape`;
  if (scanner.peek() !== openBracket) throw wrongKind(scanner, `${at} must be a list of integers`, at);
  const shape: number[] = [];
  if (!scanner.open(openBracket, closeBracket)) return shape;
  do {
    if (shape.length === 32) throw new MusterError('invalid_shape', `${at} has more than 32 dimensions`, { place: at });
    const size = readNumber(scanner, at);
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw new MusterError('invalid_shape', `${at}[${shape.length}] must be an integer of at least 0`, { place: at });
    }
    shape.push(size);
  } while (scanner.more(closeBracket));
  return shape;
}

/** A number, exactly: integers beyond 2^53 as bigint. Anything else is undefined. */
function readNumber(scanner: JsonScanner, place: string): number | bigint | undefined {
  const byte = scanner.peek();
  const start = scanner.at;
  if (byte !== 0x2d && (byte < 0x30 || byte > 0x39)) {
    scanner.skip();
    return undefined;
  }
  if (byte === 0x2d && scanner.word('-Infinity')) return undefined;
  const isInteger = scanner.skipNumber();
  if (isInteger && scanner.at - start <= 15) return plainInteger(scanner.bytes, start, scanner.at);
  const text = scanner.ascii(start, scanner.at);
  const value = Number(text);
  if (!isInteger || Number.isSafeInteger(value)) return value;
  if (text.length > 40) throw invalidRequest(`${place} has a number with too many digits`, place);
  return BigInt(text);
}

/**
 * Parameters: strings, booleans and numbers. `null` counts as absent; MLServer's clients send an object `headers`,
 * which is left out; other objects and lists are refused.
 */
function readParameters(scanner: JsonScanner, place: string): InferParameters {
  if (scanner.peek() === letterN && scanner.word('null')) return noParameters;
  if (scanner.peek() !== openBrace) throw wrongKind(scanner, `${place} must be an object`, place);
  if (!scanner.open(openBrace, closeBrace)) return noParameters;
  const parameters = new Map<string, InferParameter>();
  do {
    const key = scanner.key();
    const value = readParameter(scanner, key, place);
    if (value === undefined) parameters.delete(key);
    else parameters.set(key, value);
    if (parameters.size > maxEntries) throw invalidRequest(`${place} has more than ${maxEntries} entries`, place);
  } while (scanner.more(closeBrace));
  // Own properties whatever the key is, `__proto__` too.
  return parameters.size === 0 ? noParameters : Object.fromEntries(parameters);
}

function readParameter(scanner: JsonScanner, key: string, place: string): InferParameter | undefined {
  const byte = scanner.peek();
  if (byte === quote) return scanner.string();
  if (scanner.word('true')) return true;
  if (scanner.word('false')) return false;
  if (scanner.word('null')) return undefined;
  if (byte === openBrace && key === 'headers') {
    scanner.skip();
    return undefined;
  }
  const value = readNumber(scanner, place);
  if (value === undefined)
    throw invalidRequest(`${place}: ${quoteName(key)} must be a string, a boolean or a number`, place);
  return value;
}

function binarySizeOf(parameters: InferParameters, place: string): number | undefined {
  const size = parameters['binary_data_size'];
  if (size === undefined) return undefined;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  throw new MusterError('invalid_binary_data', `${place}: binary_data_size must be an integer of at least 0`, {
    place: `${place}.parameters.binary_data_size`,
  });
}

/** The error of a value of the wrong kind; malformed JSON is told as such. */
function wrongKind(scanner: JsonScanner, message: string, place: string): MusterError {
  scanner.skip();
  return invalidRequest(message, place);
}

function invalidRequest(message: string, place: string): MusterError {
  return new MusterError('invalid_inference_request', message, { place });
}
