import { MusterError } from '@muster-ml/protocol';
import type { GraphValue, ModelOutline, OperatorUse, ZipMapNode } from './outline.ts';
import { readNode } from './read-node.ts';
import { type TensorOutline, readEntry, readTensor } from './read-tensor.ts';
import { maxNameBytes, readValue } from './read-type.ts';
import { type ByteRange, type ByteSource, type WireField, WireReader, malformed } from './wire.ts';

const limits = {
  /** Inputs, outputs or initializers of a graph; also bounds the memory that an outline takes. */
  values: 1_000_000,
  operators: 100_000,
  metadataEntries: 1000,
  metadataBytes: 4 * 1024 * 1024,
  external: 10,
};

/** What is collected on the way through the file, the main graph and what is nested in it. */
interface Collected {
  readonly reader: WireReader;
  readonly operators: Map<string, OperatorUse>;
  readonly external: { readonly tensor: string; readonly location: string }[];
  parameterCount: number;
}

interface MainGraph {
  readonly inputs: GraphValue[];
  readonly outputs: GraphValue[];
  readonly initializers: Set<string>;
  readonly zipMaps: ZipMapNode[];
  /** Class labels of each classifier, as JSON so that equal ones are one. */
  readonly classLabels: Set<string>;
}

/**
 * Reads what an ONNX file says about itself, in memory that does not grow with its weights.
 *
 * Throws `invalid_model_file` for everything that is not a whole ONNX model, and nothing else.
 */
export function readOutline(source: ByteSource): ModelOutline {
  const reader = new WireReader(source);
  const collected: Collected = { reader, operators: new Map(), external: [], parameterCount: 0 };
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const functions = new Set<string>();
  const producer = ['', ''];
  let irVersion = 0;
  let graph: WireField | undefined;
  for (const field of reader.fields({ start: 0, end: source.size }, 0)) {
    if (field.number === 1) irVersion = field.value;
    else if (field.number === 2 || field.number === 3) producer[field.number - 2] = reader.text(field, maxNameBytes);
    else if (field.number === 7) {
      // Protobuf would merge them; no exporter writes such a file.
      if (graph !== undefined) throw malformed('the file holds more than one graph');
      if (field.type !== 'bytes') throw malformed('the file is not an ONNX model: its graph is an integer');
      graph = field;
    } else if (field.number === 8) readOpset(reader, field, opsets);
    else if (field.number === 14) readMetadata(reader, field, metadata);
    else if (field.number === 25) functions.add(readFunction(collected, field, 1));
  }
  if (graph === undefined) throw malformed('the file is not an ONNX model: it holds no graph');
  const main = readMainGraph(collected, graph);
  const inputs = main.inputs.filter(({ name }) => !main.initializers.has(name));
  const [labels, ...others] = main.classLabels;
  return {
    sizeBytes: source.size,
    irVersion,
    producer: producer.filter((part) => part !== '').join(' '),
    opsets,
    metadata,
    operators: [...collected.operators.values()],
    functions,
    parameterCount: collected.parameterCount,
    external: collected.external,
    graph: { field: { start: graph.tagStart, end: graph.end }, content: { start: graph.start, end: graph.end } },
    inputs,
    defaulted: main.inputs.flatMap(({ name }) => (main.initializers.has(name) ? [name] : [])),
    outputs: main.outputs,
    zipMaps: main.zipMaps.length === 0 ? [] : withoutConsumed(reader, graph, main.zipMaps),
    ...(labels === undefined || others.length > 0 ? {} : { classLabels: JSON.parse(labels) as string[] }),
  };
}

function readMainGraph(collected: Collected, graph: ByteRange): MainGraph {
  const { reader } = collected;
  const main: MainGraph = { inputs: [], outputs: [], initializers: new Set(), zipMaps: [], classLabels: new Set() };
  for (const field of reader.fields(graph, 1)) {
    if (field.number === 1) {
      const node = readNode(reader, field, 2, (part, depth) => readAttributeValue(collected, part, depth));
      countOperator(collected, node.domain, node.name);
      if (node.classLabels.length === 0) continue;
      if (node.domain === 'ai.onnx.ml') main.classLabels.add(JSON.stringify(node.classLabels));
      if (node.domain === 'ai.onnx.ml' && node.name === 'ZipMap') {
        main.zipMaps.push({
          input: node.firstInput,
          output: node.firstOutput,
          labels: node.classLabels,
          field: { start: field.tagStart, end: field.end },
        });
      }
    } else if (field.number === 5) main.initializers.add(countTensor(collected, readTensor(reader, field, 2)));
    else if (field.number === 11) main.inputs.push(readValue(reader, field, 2));
    else if (field.number === 12) main.outputs.push(readValue(reader, field, 2));
    else if (field.number === 15) main.initializers.add(readSparse(collected, field, 2));
    if (Math.max(main.inputs.length, main.outputs.length, main.initializers.size) > limits.values)
      throw malformed(`the graph has more than ${limits.values} values`);
  }
  return main;
}

/** Reads a graph inside a node: only what counts for the whole model. */
function readSubgraph(collected: Collected, graph: ByteRange, depth: number): void {
  for (const field of collected.reader.fields(graph, depth)) {
    if (field.number === 1) readInnerNode(collected, field, depth + 1);
    if (field.number === 5) countTensor(collected, readTensor(collected.reader, field, depth + 1));
    if (field.number === 15) readSparse(collected, field, depth + 1);
  }
}

/** Reads a `FunctionProto` and gives its `domain:name`. */
function readFunction(collected: Collected, definition: ByteRange, depth: number): string {
  let name = '';
  let domain = '';
  for (const field of collected.reader.fields(definition, depth)) {
    if (field.number === 1) name = collected.reader.text(field, maxNameBytes);
    if (field.number === 7) readInnerNode(collected, field, depth + 1);
    if (field.number === 10) domain = collected.reader.text(field, maxNameBytes);
  }
  return `${domain}:${name}`;
}

function readInnerNode(collected: Collected, field: WireField, depth: number): void {
  const node = readNode(collected.reader, field, depth, (part, inner) => readAttributeValue(collected, part, inner));
  countOperator(collected, node.domain, node.name);
}

/** Reads tensors and graphs among the fields of an `AttributeProto`. */
function readAttributeValue(collected: Collected, field: WireField, depth: number): void {
  if (field.number === 5 || field.number === 10) countTensor(collected, readTensor(collected.reader, field, depth));
  else if (field.number === 6 || field.number === 11) readSubgraph(collected, field, depth);
  else if (field.number === 22 || field.number === 23) readSparse(collected, field, depth);
}

/** Reads a `SparseTensorProto` and gives the name of its values, which is its own. */
function readSparse(collected: Collected, sparse: ByteRange, depth: number): string {
  let name = '';
  for (const field of collected.reader.fields(sparse, depth)) {
    if (field.number === 1) name = countTensor(collected, readTensor(collected.reader, field, depth + 1));
    if (field.number === 2) readTensor(collected.reader, field, depth + 1);
  }
  return name;
}

function countTensor(collected: Collected, { name, elements, location }: TensorOutline): string {
  collected.parameterCount += elements;
  if (location !== undefined && collected.external.length < limits.external)
    collected.external.push({ tensor: name, location });
  return name;
}

function countOperator({ operators }: Collected, domain: string, name: string): void {
  const key = `${domain}:${name}`;
  const use = operators.get(key);
  if (use !== undefined) use.count += 1;
  else if (operators.size >= limits.operators)
    throw malformed(`the model uses more than ${limits.operators} different operators`);
  else operators.set(key, { domain, name, count: 1 });
}

function readOpset(reader: WireReader, opset: ByteRange, opsets: Map<string, number>): void {
  let domain = '';
  let version = 0;
  for (const field of reader.fields(opset, 1)) {
    if (field.number === 1) domain = reader.text(field, maxNameBytes);
    if (field.number === 2) version = field.value;
  }
  if (opsets.size >= limits.operators) throw malformed(`the model imports more than ${limits.operators} operator sets`);
  opsets.set(domain === 'ai.onnx' ? '' : domain, version);
}

/** Reads an entry of the model's metadata; entries that are too many or too long for anybody to have written are left out. */
function readMetadata(reader: WireReader, field: WireField, metadata: Map<string, string>): void {
  if (metadata.size >= limits.metadataEntries || field.end - field.start > limits.metadataBytes) return;
  const { key, value } = readEntry(reader, field, 1, limits.metadataBytes);
  metadata.set(key, value);
}

/** Leaves out the ZipMaps whose maps another node takes: those cannot be dropped. */
function withoutConsumed(reader: WireReader, graph: ByteRange, zipMaps: readonly ZipMapNode[]): ZipMapNode[] {
  const taken = new Set(zipMaps.map(({ output }) => output));
  const consumed = new Set<string>();
  for (const node of reader.fields(graph, 1)) {
    if (node.number !== 1) continue;
    for (const part of reader.fields(node, 2)) {
      if (part.number !== 1) continue;
      const name = reader.text(part, maxNameBytes);
      if (taken.has(name)) consumed.add(name);
    }
  }
  return zipMaps.filter(({ output }) => !consumed.has(output));
}

/** Refuses files that are something else before anybody wonders about protobuf; the error names what they look like. */
export function checkFormat(head: Uint8Array, sizeBytes: number): void {
  if (sizeBytes === 0) throw malformed('the file is empty');
  const text = String.fromCharCode(...head);
  const format = otherFormats.find(({ begins, at = 0 }) => text.startsWith(begins, at));
  if (format === undefined) return;
  throw new MusterError('invalid_model_file', `the file is ${format.what}, not an ONNX model`, {
    remedy: format.remedy,
  });
}

const otherFormats: readonly {
  readonly begins: string;
  readonly at?: number;
  readonly what: string;
  readonly remedy: string;
}[] = [
  {
    begins: '\x80\x02',
    what: 'a Python pickle',
    remedy: 'Export the model to ONNX (skl2onnx for scikit-learn, onnxmltools for XGBoost and LightGBM).',
  },
  {
    begins: '\x80\x03',
    what: 'a Python pickle',
    remedy: 'Export the model to ONNX (skl2onnx for scikit-learn, onnxmltools for XGBoost and LightGBM).',
  },
  {
    begins: '\x80\x04',
    what: 'a Python pickle',
    remedy: 'Export the model to ONNX (skl2onnx for scikit-learn, onnxmltools for XGBoost and LightGBM).',
  },
  {
    begins: '\x80\x05',
    what: 'a Python pickle',
    remedy: 'Export the model to ONNX (skl2onnx for scikit-learn, onnxmltools for XGBoost and LightGBM).',
  },
  {
    begins: 'PK\x03\x04',
    what: 'a zip archive (a PyTorch or Keras file is one)',
    remedy: 'Export the model to ONNX (torch.onnx.export, tf2onnx) and hand over the .onnx file.',
  },
  { begins: '\x89HDF', what: 'an HDF5 file (Keras)', remedy: 'Export the model to ONNX with tf2onnx.' },
  {
    begins: 'ORTM',
    at: 4,
    what: "a model in ONNX Runtime's own format",
    remedy: 'Hand over the .onnx file that it was made from.',
  },
  { begins: 'TFL3', at: 4, what: 'a TensorFlow Lite model', remedy: 'Export the model to ONNX with tf2onnx.' },
  { begins: '\x1f\x8b', what: 'compressed with gzip', remedy: 'Unpack it and hand over the .onnx file.' },
  {
    begins: 'version https://git-lfs',
    what: 'a pointer to a file in Git LFS',
    remedy: 'Run git lfs pull and hand over the file itself.',
  },
  {
    begins: '<!DOCTYPE',
    what: 'a web page',
    remedy: 'Check where it was downloaded from; a sign-in page is a usual cause.',
  },
  {
    begins: '<html',
    what: 'a web page',
    remedy: 'Check where it was downloaded from; a sign-in page is a usual cause.',
  },
  { begins: '{"', what: 'JSON', remedy: 'Hand over the .onnx file.' },
];
