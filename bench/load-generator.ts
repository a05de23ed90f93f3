import { type Socket, connect } from 'node:net';
import { createLatencyHistogram } from './latency-histogram.ts';

/** What a load is made of; each connection has one request outstanding. */
export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  /** Whole HTTP/1.1 requests, head and body, sent in turns. */
  readonly requests: readonly Uint8Array[];
  /** Latencies of this long at the beginning are not counted. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Ends earlier, after so many counted answers. */
  readonly maxAnswers?: number;
  /** Text that every good answer's body holds. */
  readonly marker: string;
}

export interface LoadReport {
  /** Good answers within the counted time. */
  readonly answers: number;
  readonly seconds: number;
  /** Answers that were not good, at any time. */
  readonly failures: number;
  readonly firstFailure: string | undefined;
  readonly latencies: Uint32Array;
}

const headEnd = Buffer.from('\r\n\r\n');
const lengthName = Buffer.from('ontent-Length: ');
const lowerLengthName = Buffer.from('ontent-length: ');

/**
 * Sends requests over raw sockets and reads just enough of the answers to know that they are good: an HTTP client would
 * take more time than the servers that are measured. Resolves when every connection has its last answer.
 */
export async function generateLoad(order: LoadOrder): Promise<LoadReport> {
  const histogram = createLatencyHistogram();
  const marker = Buffer.from(order.marker);
  // Handed to every socket: a read is dealt with before the next one begins.
  const readBuffer = Buffer.allocUnsafe(256 * 1024);
  let answers = 0;
  let failures = 0;
  let firstFailure: string | undefined;
  let countFromMs = Infinity;
  let endMs = Infinity;
  let lastMs = 0;

  function fail(what: string): void {
    failures += 1;
    firstFailure ??= what;
  }

  function drive(index: number): { readonly connected: Promise<void>; start(): Promise<void> } {
    let turn = index;
    let sentMs = 0;
    let partial: Buffer | undefined;
    const connected = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();

    const onRead = (length: number, buffer: Uint8Array): boolean => {
      const fresh = (buffer as Buffer).subarray(0, length);
      const bytes = partial === undefined ? fresh : Buffer.concat([partial, fresh]);
      const size = answerSize(bytes);
      if (size === undefined || bytes.byteLength < size) {
        partial = partial === undefined ? Buffer.from(bytes) : bytes;
        return true;
      }
      partial = undefined;
      const nowMs = performance.now();
      if (bytes.byteLength > size || !isGood(bytes, marker)) fail(bytes.toString('latin1', 0, 600));
      else if (nowMs >= countFromMs && nowMs <= endMs) {
        answers += 1;
        lastMs = nowMs;
        histogram.record(nowMs - sentMs);
        if (answers === order.maxAnswers) endMs = nowMs;
      }
      if (nowMs >= endMs) socket.end();
      else send();
      return true;
    };

    const socket: Socket = connect(
      { host: '127.0.0.1', port: order.port, noDelay: true, onread: { buffer: readBuffer, callback: onRead } },
      () => connected.resolve(),
    );
    socket.on('error', (error) => {
      fail(`connection ${index}: ${error.message}`);
      connected.resolve();
    });
    socket.on('close', () => {
      if (performance.now() < endMs) fail(`connection ${index} was closed early`);
      ended.resolve();
    });

    function send(): void {
      const request = order.requests[turn % order.requests.length];
      turn += order.connections;
      sentMs = performance.now();
      if (request !== undefined) socket.write(request);
    }

    return {
      connected: connected.promise,
      start: () => {
        send();
        return ended.promise;
      },
    };
  }

  const drivers = Array.from({ length: order.connections }, (_, index) => drive(index));
  await Promise.all(drivers.map((driver) => driver.connected));
  countFromMs = performance.now() + order.warmUpMs;
  endMs = countFromMs + order.durationMs;
  await Promise.all(drivers.map((driver) => driver.start()));
  const seconds = ((order.maxAnswers === undefined ? endMs : lastMs) - countFromMs) / 1000;
  return { answers, seconds, failures, firstFailure, latencies: histogram.counts };
}

/** Bytes of head and body; undefined while the head is not complete. */
function answerSize(bytes: Buffer): number | undefined {
  const head = bytes.indexOf(headEnd);
  if (head < 0) return undefined;
  let at = bytes.indexOf(lengthName);
  if (at < 0) at = bytes.indexOf(lowerLengthName);
  if (at < 0 || at > head) return bytes.byteLength;
  let length = 0;
  for (at += lengthName.byteLength; ; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return head + headEnd.byteLength + length;
    length = length * 10 + digit;
  }
}

/** `HTTP/1.1 200`, and what a good body holds. */
function isGood(bytes: Buffer, marker: Buffer): boolean {
  return bytes[9] === 0x32 && bytes[10] === 0x30 && bytes[11] === 0x30 && bytes.includes(marker);
}
