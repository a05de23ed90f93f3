import type { Socket } from 'node:net';
import {
  type Frame,
  type FrameKind,
  type FrameLimits,
  FrameReader,
  MusterError,
  type ReadFrame,
  encodeFrame,
  frameKinds,
  giveBack,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';

/** How long a connection may take to say who it is. */
const helloTimeoutMs = 10_000;

/** How long a peer that is cut off may take to close its side. */
const cutOffAfterMs = 1000;

/** Answers that may wait for a peer that does not read them. */
const maxUnreadBytes = 256 * 1024 * 1024;

/** Frames up to here are cheaper to write as one copy than as a list of buffers. */
const copyUpToBytes = 16 * 1024;

/** One peer of the runtime link. */
export interface Connection {
  send(kind: FrameKind, request: number, header: unknown, payload?: readonly Uint8Array[]): void;
  /** Answers a request with a problem. */
  sendError(request: number, thrown: unknown): void;
  /** Sends what is written and closes. */
  end(): void;
}

export interface ConnectionHandlers {
  /** The first frame; a throw is told to the peer and ends the connection. */
  onHello(frame: Frame): void;
  /** Every later frame; a throw is the answer to its request. */
  onFrame(frame: ReadFrame): void;
  onClose(): void;
}

/**
 * Speaks frames on a socket. A peer that breaks the rules of the link is told so and cut off; from one that does not
 * read its answers nothing more is taken, and it is cut off when they become too many.
 */
export function openConnection(socket: Socket, limits: FrameLimits, handlers: ConnectionHandlers): Connection {
  const reader = new FrameReader(limits);
  let hasGreeted = false;

  function send(kind: FrameKind, request: number, header: unknown, payload: readonly Uint8Array[] = []): void {
    if (socket.destroyed || socket.writableEnded) return;
    if (socket.writableLength > maxUnreadBytes) {
      socket.destroy();
      return;
    }
    const buffers = encodeFrame(kind, request, header, payload, limits);
    const size = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    let isFlowing = true;
    if (size <= copyUpToBytes) isFlowing = socket.write(Buffer.concat(buffers, size));
    else {
      socket.cork();
      for (const bytes of buffers) isFlowing = socket.write(bytes);
      socket.uncork();
    }
    if (!isFlowing) socket.pause();
  }

  function sendError(request: number, thrown: unknown): void {
    send(frameKinds.error, request, toProblem(toMusterError(thrown)));
  }

  function cutOff(thrown: unknown): void {
    sendError(0, thrown);
    socket.end();
    // What still comes is thrown away, so that the peer reads the reason and not a reset; but not for long.
    socket.removeAllListeners('data');
    socket.resume();
    setTimeout(() => socket.destroy(), cutOffAfterMs).unref();
  }

  function onFrame(frame: ReadFrame): void {
    if (socket.writableEnded) return;
    if (!hasGreeted) {
      if (frame.kind !== frameKinds.hello)
        throw new MusterError('link_violation', 'the first frame of a connection must be a hello');
      handlers.onHello(frame);
      hasGreeted = true;
      socket.setTimeout(0);
      return;
    }
    try {
      handlers.onFrame(frame);
    } catch (thrown) {
      sendError(frame.request, thrown);
    }
  }

  socket.setNoDelay(true);
  socket.setTimeout(helloTimeoutMs, () => socket.destroy());
  socket.on('drain', () => socket.resume());
  socket.on('data', (chunk) => {
    try {
      if (reader.push(chunk, onFrame)) giveBack(chunk);
    } catch (thrown) {
      cutOff(thrown);
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => handlers.onClose());
  return { send, sendError, end: () => socket.end() };
}
