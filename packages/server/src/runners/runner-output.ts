import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../platform/clock/index.ts';

const maxLineChars = 4096;
/** What one stream may write at once, and how fast it may again: more than anybody reads, and little for a disk. */
const burstBytes = 1024 * 1024;
const bytesPerSecond = 64 * 1024;

/**
 * Lines of what a runner writes. A model may print a gigabyte, and the log is for people: what comes faster than
 * somebody could ever read is left out, and its amount is told in a line of its own. Nothing is held up by it.
 */
export function eachOutputLine(
  stream: NodeJS.ReadableStream | null,
  clock: Clock,
  onLine: (line: string) => void,
): void {
  const decoder = new StringDecoder('utf8');
  let [room, at, leftOut, rest] = [burstBytes, clock.now(), 0, ''];
  const tellLeftOut = (): void => {
    if (leftOut > 0) onLine(`… ${leftOut} bytes that came too fast are left out`);
    leftOut = 0;
  };
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxLineChars);
    for (const line of lines) if (line.trim() !== '') onLine(line.slice(0, maxLineChars));
  };
  stream?.on('data', (chunk: Buffer) => {
    const now = clock.now();
    room = Math.min(burstBytes, room + ((now - at) / 1000) * bytesPerSecond);
    at = now;
    if (chunk.length > room) {
      leftOut += chunk.length;
      rest = '';
      return;
    }
    room -= chunk.length;
    tellLeftOut();
    take(decoder.write(chunk));
  });
  stream?.on('end', () => {
    tellLeftOut();
    if (rest.trim() !== '') onLine(rest);
  });
  stream?.on('error', () => {});
}
