import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../platform/clock/index.ts';
import { createMask } from './mask-secrets.ts';

const newline = 10;
const maxLineChars = 4096;
/** What one stream may write at once, and how fast it may again: more than anybody reads, and little for a disk. */
const burstBytes = 1024 * 1024;
const bytesPerSecond = 64 * 1024;

/**
 * Lines of what a runner writes. A model may print a gigabyte, and the log is for people: what comes faster than
 * somebody could ever read is left out, and its amount is told in a line of its own. Nothing is held up by it. The values of
 * `secrets` are blanked.
 */
export function eachOutputLine(
  stream: NodeJS.ReadableStream | null,
  clock: Clock,
  onLine: (line: string) => void,
  secrets: readonly string[] = [],
): void {
  const mask = createMask(secrets);
  // What a value is cut off from would not be known as one any more.
  const keptChars = maxLineChars + mask.longestPart;
  const decoder = new StringDecoder('utf8');
  let [room, at, leftOut, rest] = [burstBytes, clock.now(), 0, ''];
  // Whether the line that goes on was left out up to here: its rest could be the rest of a secret.
  let isCut = false;
  const tellLeftOut = (): void => {
    if (leftOut > 0) onLine(`… ${leftOut} bytes that came too fast are left out`);
    leftOut = 0;
  };
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    if (isCut) {
      isCut = lines.length === 1;
      lines[0] = '';
    }
    rest = (lines.pop() ?? '').slice(0, keptChars);
    for (const line of lines) if (line.trim() !== '') onLine(mask.text(line.slice(0, keptChars), maxLineChars));
  };
  stream?.on('data', (chunk: Buffer) => {
    const now = clock.now();
    room = Math.min(burstBytes, room + ((now - at) / 1000) * bytesPerSecond);
    at = now;
    if (chunk.length > room) {
      leftOut += chunk.length;
      rest = '';
      isCut = chunk.at(-1) !== newline;
      return;
    }
    room -= chunk.length;
    tellLeftOut();
    take(decoder.write(chunk));
  });
  stream?.on('end', () => {
    tellLeftOut();
    if (rest.trim() !== '') onLine(mask.text(rest, maxLineChars));
  });
  stream?.on('error', () => {});
}
