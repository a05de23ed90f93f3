import { maxNameBytes } from './read-type.ts';
import { type ByteRange, type WireField, type WireReader, malformed } from './wire.ts';

const maxLabels = 100_000;
const maxLabelBytes = 4000;

/** What a `NodeProto` says about itself. */
export interface NodeOutline {
  readonly domain: string;
  readonly name: string;
  readonly firstInput: string;
  readonly firstOutput: string;
  /** Class names, if the node is a classifier of `ai.onnx.ml` or one of its ZipMaps. */
  readonly classLabels: readonly string[];
}

/** Reads a `NodeProto`; tensors and graphs among its attributes are handed to `onValue`. */
export function readNode(
  reader: WireReader,
  node: ByteRange,
  depth: number,
  onValue: (field: WireField, depth: number) => void,
): NodeOutline {
  let name = '';
  let domain = '';
  let firstInput: ByteRange | undefined;
  let firstOutput: ByteRange | undefined;
  let classLabels: readonly string[] = [];
  for (const field of reader.fields(node, depth)) {
    if (field.number === 1) firstInput ??= field;
    else if (field.number === 2) firstOutput ??= field;
    else if (field.number === 4) name = reader.text(field, maxNameBytes);
    else if (field.number === 7) domain = reader.text(field, maxNameBytes);
    else if (field.number === 5) {
      const labels = readAttribute(reader, field, depth + 1, onValue);
      if (labels.length > 0) classLabels = labels;
    }
  }
  const nameOf = (range: ByteRange | undefined): string =>
    range === undefined || classLabels.length === 0 ? '' : reader.text(range, maxNameBytes);
  return {
    name,
    domain: domain === 'ai.onnx' ? '' : domain,
    firstInput: nameOf(firstInput),
    firstOutput: nameOf(firstOutput),
    classLabels,
  };
}

/** Reads an `AttributeProto`; gives class names if it is one of the attributes that hold them, whatever the classifier. */
function readAttribute(
  reader: WireReader,
  attribute: ByteRange,
  depth: number,
  onValue: (field: WireField, depth: number) => void,
): readonly string[] {
  let name = '';
  const lists: WireField[] = [];
  for (const field of reader.fields(attribute, depth)) {
    if (field.number === 1) name = reader.text(field, maxNameBytes);
    else if ((field.number === 8 || field.number === 9) && name.startsWith('classlabels_')) lists.push(field);
    else onValue(field, depth + 1);
    if (lists.length > maxLabels) throw malformed(`a classifier names more than ${maxLabels} classes`);
  }
  return lists.flatMap((field) =>
    field.number === 9 ? [reader.text(field, maxLabelBytes)] : reader.integers(field, maxLabels).map(String),
  );
}
