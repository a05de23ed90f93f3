import { MusterError } from '../errors/muster-error.ts';
import { byteElements, packByteElements } from './byte-elements.ts';

/**
 * Decodes the elements of a BYTES tensor that hold base64 text, which MLServer's clients declare by the input
 * parameter `content_type: "base64"`.
 */
export function decodeBase64Elements(bytes: Uint8Array, place: string): Uint8Array {
  const decoder = new TextDecoder();
  const decoded: Uint8Array[] = [];
  for (const element of byteElements(bytes)) {
    let binary: string;
    try {
      binary = atob(decoder.decode(element));
    } catch {
      const at = `${place}.data[${decoded.length}]`;
      throw new MusterError('invalid_data', `${at} is not base64, which content_type declares`, { place: at });
    }
    decoded.push(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  }
  return packByteElements(decoded);
}
