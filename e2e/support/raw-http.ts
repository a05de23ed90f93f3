import { once } from 'node:events';
import { connect } from 'node:net';

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that no careful client would send. */
export interface RawRequest {
  /** The head, with its empty line, as it goes over the wire. */
  readonly head: string;
  /** Sent after the head, whatever the server says meanwhile. */
  readonly body?: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;
}

const limitMs = 30_000;

/**
 * Sends all of a request first and reads afterwards, like the simplest of clients, so that a connection that is reset
 * while the body is under way loses the answer. Resolves when the connection ends. Throws where no answer came.
 */
export async function sendRaw(url: string, request: RawRequest): Promise<RawAnswer> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  socket.pause();
  await once(socket, 'connect');
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    socket.destroy();
  }, limitMs);
  let broken: Error | undefined;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  socket.on('error', (error) => {
    broken = error;
  });
  const write = async (piece: Uint8Array | string): Promise<void> => {
    if (socket.destroyed || socket.write(piece)) return;
    const drained = new Promise<void>((resolve) => {
      socket.once('drain', () => resolve());
    });
    await Promise.race([drained, closed]);
  };
  await write(request.head);
  for await (const piece of request.body ?? []) await write(piece);
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk)).resume();
  await closed;
  clearTimeout(timer);
  if (isLate) throw new Error(`the connection was still open after ${limitMs / 1000} s`);
  const text = Buffer.concat(received).toString('utf8');
  if (text === '') throw new Error('the connection ended without an answer', { cause: broken });
  return parseAnswer(text);
}

function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(headers), body: text.slice(end + 4) };
}
