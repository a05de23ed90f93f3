/**
 * Texts of JSON in which a null was read as `missingText`. Whether the model takes missing texts is known only when a
 * request is bound to its signature; until then the bytes are remembered here, so that those of others need not be searched.
 */
const holders = new WeakSet<Uint8Array>();

/** Says that among these elements there is a missing one, which JSON had as null. */
export function noteMissing(bytes: Uint8Array): void {
  holders.add(bytes);
}

/** Whether a missing one was noted. */
export function hasMissing(bytes: Uint8Array): boolean {
  return holders.has(bytes);
}
