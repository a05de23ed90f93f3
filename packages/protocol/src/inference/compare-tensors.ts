import { byteElements } from './byte-elements.ts';
import { type Datatype, type Tensor } from './tensor.ts';
import { tensorNumbers } from './tensor-values.ts';

/** The first place where an answer is not what was expected; values as short texts for people. */
export interface TensorDifference {
  readonly output: string;
  /** Along the first dimension, from 0; null where the whole output differs: it is missing, or of another shape. */
  readonly row: number | null;
  readonly expected: string;
  readonly got: string;
}

interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

const exact: Tolerance = { relative: 0, absolute: 0 };
const double: Tolerance = { relative: 1e-7, absolute: 1e-9 };
const tolerances: Partial<Record<Datatype, Tolerance>> = {
  FP64: double,
  FP32: { relative: 1e-5, absolute: 1e-6 },
  FP16: { relative: 1e-2, absolute: 1e-3 },
  BF16: { relative: 1e-2, absolute: 1e-3 },
};

const maxValueChars = 80;

/**
 * Compares answers with those that are expected, output by output, and tells the first difference; undefined where there
 * is none. Outputs that nothing is expected of are ignored, and so are dimensions of size 1.
 *
 * Numbers are compared by value, whatever their datatypes, within the looser tolerance of the two: exact for BOOL and integers, 1e-7 of the
 * value + 1e-9 for FP64, 1e-5 + 1e-6 for FP32, 1e-2 + 1e-3 for FP16 and BF16. NaN equals NaN. BYTES are equal byte by byte,
 * or as JSON objects and arrays whose numbers agree within the tolerance of FP64.
 */
export function compareTensors(expected: readonly Tensor[], got: readonly Tensor[]): TensorDifference | undefined {
  const answers = new Map(got.map((tensor) => [tensor.name, tensor]));
  for (const tensor of expected) {
    const difference = compareOne(tensor, answers.get(tensor.name));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** A difference in words, without a full stop: `probabilities, row 3: expected 0.25, got 0.5`. */
export function differenceText({ output, row, expected, got }: TensorDifference): string {
  return `${output}${row === null ? '' : `, row ${row}`}: expected ${expected}, got ${got}`;
}

function compareOne(expected: Tensor, got: Tensor | undefined): TensorDifference | undefined {
  const whole = (wanted: string, found: string): TensorDifference => ({
    output: expected.name,
    row: null,
    expected: wanted,
    got: found,
  });
  if (got === undefined) return whole(outlineOf(expected), 'no such output');
  const isText = expected.datatype === 'BYTES';
  if (!hasSameShape(expected.shape, got.shape) || isText !== (got.datatype === 'BYTES'))
    return whole(outlineOf(expected), outlineOf(got));
  const found = isText ? firstOtherText(expected, got) : firstOtherNumber(expected, got);
  if (found === undefined) return undefined;
  const perRow = expected.shape.slice(1).reduce((product, size) => product * size, 1);
  return {
    output: expected.name,
    row: Math.floor(found.index / Math.max(1, perRow)),
    expected: short(found.expected),
    got: short(found.got),
  };
}

interface Other {
  readonly index: number;
  readonly expected: string;
  readonly got: string;
}

function firstOtherNumber(expected: Tensor, got: Tensor): Other | undefined {
  const [wanted, found] = [tensorNumbers(expected), tensorNumbers(got)];
  const tolerance = looser(tolerances[expected.datatype] ?? exact, tolerances[got.datatype] ?? exact);
  for (let index = 0; index < wanted.length; index += 1) {
    const [a, b] = [wanted[index] ?? 0, found[index] ?? NaN];
    if (!isNear(a, b, tolerance)) return { index, expected: String(a), got: String(b) };
  }
  return undefined;
}

function firstOtherText(expected: Tensor, got: Tensor): Other | undefined {
  const [wanted, found] = [byteElements(expected.bytes), byteElements(got.bytes)];
  for (const [index, a] of wanted.entries()) {
    const b = found[index] ?? new Uint8Array(0);
    if (isSame(a, b)) continue;
    const [textA, textB] = [textOf(a), textOf(b)];
    if (!isSameJson(textA, textB)) return { index, expected: JSON.stringify(textA), got: JSON.stringify(textB) };
  }
  return undefined;
}

/** With whole numbers beyond 2^53, both as they are: a double would take neighbours for the same. */
function isNear(a: number | bigint, b: number | bigint, { relative, absolute }: Tolerance): boolean {
  // oxlint-disable-next-line eqeqeq -- compares a bigint with a number by value
  if (a == b) return true;
  const [x, y] = [Number(a), Number(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y);
  return Number.isFinite(x) && relative > 0 && Math.abs(x - y) <= relative * Math.abs(x) + absolute;
}

function looser(a: Tolerance, b: Tolerance): Tolerance {
  return a.relative >= b.relative ? a : b;
}

function hasSameShape(a: readonly number[], b: readonly number[]): boolean {
  const [x, y] = [a, b].map((shape) => shape.filter((size) => size !== 1).join());
  return x === y;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Only documents: a text that happens to be a number is a text. */
function isSameJson(a: string, b: string): boolean {
  if (!/^[[{]/.test(a) || !/^[[{]/.test(b)) return false;
  try {
    return isSameValue(JSON.parse(a), JSON.parse(b));
  } catch {
    return false;
  }
}

function isSameValue(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return isNear(a, b, double);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [x, y] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return x.size === y.size && [...x].every(([key, value]) => y.has(key) && isSameValue(value, y.get(key)));
}

const decoder = new TextDecoder();

function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function outlineOf({ datatype, shape }: Tensor): string {
  return short(`${datatype} of shape [${shape.join(', ')}]`);
}

function short(text: string): string {
  return text.length <= maxValueChars ? text : `${text.slice(0, maxValueChars - 2)} …`;
}
