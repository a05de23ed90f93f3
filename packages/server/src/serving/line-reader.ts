/**
 * Cuts a stream into lines, each at most `maxBytes` long. The answer takes the next bytes and says whether the stream
 * may go on: false once a line was too long.
 */
export function createLineReader(maxBytes: number, onLine: (line: string) => void): (chunk: Buffer) => boolean {
  let parts: Buffer[] = [];
  let partBytes = 0;
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      if (partBytes + end - from > maxBytes) return false;
      parts.push(chunk.subarray(from, end));
      onLine(Buffer.concat(parts).toString('utf8'));
      parts = [];
      partBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      partBytes += chunk.length - from;
    }
    return partBytes <= maxBytes;
  };
}
