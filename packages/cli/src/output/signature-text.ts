import type { Signature } from '@muster-ml/protocol';

/** What a version takes and gives in a few words: `30 features, 2 outputs`. */
export function signatureText(signature: Signature): string {
  const taken =
    signature.features === undefined
      ? counted(signature.inputs.length, 'input')
      : counted(signature.features.length, 'feature');
  return `${taken}, ${counted(signature.outputs.length, 'output')}`;
}

/** One input or output: `input FP32 [N, 30]`. */
export function tensorText(tensor: Signature['inputs'][number]): string {
  const shape = tensor.shape.map((size, at) => (size === -1 ? (at === 0 ? 'N' : '?') : String(size))).join(', ');
  return `${tensor.name} ${tensor.datatype} [${shape}]${tensor.optional === true ? ', optional' : ''}`;
}

/** `1 replica`, `3 replicas`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
