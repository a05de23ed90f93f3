import { type Datatype, type Tensor, byteElements, missingText, tensorElementTexts } from '@muster-ml/protocol';
import { encodeCells } from './encode-cells.ts';

/** The elements as cells of a table; a missing one is null. */
export function cellsOf(tensor: Tensor): readonly (string | null)[] {
  if (tensor.datatype !== 'BYTES') return tensorElementTexts(tensor).map((text) => text?.replaceAll('"', '') ?? null);
  const decoder = new TextDecoder();
  return byteElements(tensor.bytes).map((element) => (isMissing(element) ? null : decoder.decode(element)));
}

/** The same values in another datatype; undefined where one does not fit it. Numbers and text don't become each other. */
export function castTensor(tensor: Tensor, datatype: Datatype): Tensor | undefined {
  if (tensor.datatype === datatype) return tensor;
  if (tensor.datatype === 'BYTES' || datatype === 'BYTES') return undefined;
  const bytes = encodeCells(cellsOf(tensor), datatype);
  return bytes instanceof Uint8Array ? { ...tensor, datatype, bytes } : undefined;
}

function isMissing(element: Uint8Array): boolean {
  return element.byteLength === missingText.byteLength && element[0] === missingText[0];
}
