/** Less than this is soon collected with the rest of what a request leaves. */
const worthBytes = 16 * 1024;

/**
 * Gives the memory of bytes that nobody needs any more back at once. The collector would do so when it comes by, but it
 * counts such memory as a reason to come by: large requests make it walk the whole heap every few of them, which costs
 * more than everything else that is done for one.
 *
 * Every view of the buffer is empty afterwards: who still reads it by mistake reads nothing, and never what is another's.
 * Small bytes, and those that share their buffer with others, are left to the collector.
 */
export function giveBack(bytes: Uint8Array | undefined): void {
  if (bytes === undefined || bytes.byteLength < worthBytes) return;
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0);
}
