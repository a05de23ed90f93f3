import type { InferenceSession } from 'onnxruntime-node';
import { MusterError, type TensorSpec } from '@muster-ml/protocol';
import { datatypeOfOrt, elementTypeOfNumber, ortTypeOf } from './datatype.ts';
import type { GraphValue, ModelOutline } from './outline.ts';

/** Names under which JavaScript objects, and so onnxruntime-node, cannot hold a tensor. */
const impossibleNames = new Set(['__proto__', '']);

/**
 * Throws `unsupported_model` if an input or output is none that can be sent: not a tensor, or of a type that
 * onnxruntime-node cannot hand over. Outputs named in `replaced` were made tensors at load.
 */
export function checkPorts({ inputs, outputs }: ModelOutline, replaced: ReadonlySet<string>): void {
  if (outputs.length === 0) throw new MusterError('unsupported_model', 'the model has no outputs');
  for (const input of inputs) checkPort('input', input);
  for (const output of outputs) if (!replaced.has(output.name)) checkPort('output', output);
}

function checkPort(role: 'input' | 'output', { name, type }: GraphValue): void {
  if (impossibleNames.has(name) || name.length > 1000) {
    throw new MusterError('unsupported_model', `${role} "${name.slice(0, 100)}" has a name that cannot be served`, {
      remedy: 'Give it an ordinary name of at most 1000 characters.',
    });
  }
  // Without a type in the file, the runtime infers an output's and refuses an input.
  if (type.kind === 'unknown') return;
  if (type.kind !== 'tensor') {
    throw new MusterError('unsupported_model', `${role} "${name}" is of the type ${type.kind}, not a dense tensor`, {
      remedy:
        role === 'output' && type.kind === 'sequence'
          ? "Export the model with tensors only; for scikit-learn classifiers options={'zipmap': False}, and a model of its own for each target."
          : 'Export the model with tensors only.',
    });
  }
  const element = elementTypeOfNumber(type.element);
  if (element?.datatype === undefined || element.ort === undefined) {
    throw new MusterError(
      'unsupported_model',
      `${role} "${name}" has the element type ${element?.name ?? type.element}, which cannot be served`,
      {
        remedy: 'Cast it to float inside the model, and export it again.',
      },
    );
  }
}

/** What a session takes or gives, as the runtime sees it; a shape of unknown rank is absent. */
export interface Port extends Omit<TensorSpec, 'shape' | 'optional'> {
  readonly shape?: readonly number[];
}

/** The inputs or outputs of a session; the graph's own values tell a scalar from a shape that nobody knows. */
export function readPorts(
  metadata: InferenceSession['inputMetadata'],
  values: readonly GraphValue[],
  replaced: ReadonlySet<string>,
): Port[] {
  const byName = new Map(values.map((value) => [value.name, value]));
  return metadata.map((port) => {
    const datatype = port.isTensor ? datatypeOfOrt(port.type) : undefined;
    if (!port.isTensor || datatype === undefined || ortTypeOf(datatype) === undefined) {
      throw new MusterError('unsupported_model', `"${port.name}" is no tensor that can be served`, {
        remedy: 'Export the model with tensors of ordinary types only.',
      });
    }
    const shape = port.shape.map((size) => (typeof size === 'number' && size > 0 ? size : -1));
    const type = byName.get(port.name)?.type;
    const isScalar = replaced.has(port.name) || (type?.kind === 'tensor' && type.shape?.length === 0);
    return { name: port.name, datatype, ...(shape.length > 0 || isScalar ? { shape } : {}) };
  });
}
