import type { ByteRange } from './wire.ts';

/** The type of a graph's input or output, as far as Muster distinguishes them. */
export type ValueType =
  | {
      readonly kind: 'tensor';
      readonly element: number;
      /** -1 is any size; absent where the file gives no shape. */ readonly shape?: readonly number[];
    }
  | { readonly kind: 'sequence' | 'map' | 'optional' | 'sparse tensor' | 'unknown' };

/** An input or output of the graph. */
export interface GraphValue {
  readonly name: string;
  readonly type: ValueType;
  /** The whole field of the graph, tag included. */
  readonly field: ByteRange;
}

/** A ZipMap of the main graph: it pairs each row's probabilities with the names of the classes. */
export interface ZipMapNode {
  readonly input: string;
  readonly output: string;
  readonly labels: readonly string[];
  /** The whole field of the graph, tag included. */
  readonly field: ByteRange;
}

/** An operator, how often it occurs (subgraphs and local functions included). */
export interface OperatorUse {
  /** '' is ONNX's own. */
  readonly domain: string;
  readonly name: string;
  count: number;
}

/** What an ONNX file says about itself, without its weights. */
export interface ModelOutline {
  readonly sizeBytes: number;
  readonly irVersion: number;
  readonly producer: string;
  /** Version of each imported operator set, '' being ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly operators: readonly OperatorUse[];
  /** `domain:name` of the functions that the file defines itself. */
  readonly functions: ReadonlySet<string>;
  /** Elements of all initializers and constants. */
  readonly parameterCount: number;
  /** Tensors whose data is in other files. */
  readonly external: readonly { readonly tensor: string; readonly location: string }[];
  /** The graph's field in the model, tag included, and its content. */
  readonly graph: { readonly field: ByteRange; readonly content: ByteRange };
  /** Those that must be fed: inputs with an initializer of the same name are in `defaulted`. */
  readonly inputs: readonly GraphValue[];
  readonly defaulted: readonly string[];
  readonly outputs: readonly GraphValue[];
  readonly zipMaps: readonly ZipMapNode[];
  /** Class names of the classifier in the graph, where all its classifiers agree. */
  readonly classLabels?: readonly string[];
}

/** Name of an operator set as users know it. */
export function domainName(domain: string): string {
  return domain === '' ? 'ai.onnx' : domain;
}
