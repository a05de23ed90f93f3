import { MusterError } from '../errors/index.ts';
import { type Frame, type FrameKind, frameKinds, maxHeaderBytes } from './messages.ts';

/** Bytes before the header: `u32 length | u8 kind | u32 request | u32 headerLength`. */
const preludeBytes = 13;

/** Of those, the ones that `length` counts. */
const countedPreludeBytes = preludeBytes - 4;

/** What a side of the link accepts. A frame beyond it breaks the link. */
export interface FrameLimits {
  readonly maxHeaderBytes: number;
  readonly maxPayloadBytes: number;
}

/** A frame as it was read. */
export interface ReadFrame extends Frame {
  /** All of the buffer that the payload lies in; undefined where that holds other frames as well. */
  readonly memory: Uint8Array | undefined;
}

/** 2 GiB of payload is the most that an endpoint's body limit can be set to. */
export const defaultFrameLimits: FrameLimits = { maxHeaderBytes, maxPayloadBytes: 2 ** 31 };

/** Bytes of the largest element of a tensor. */
const payloadAlignment = 8;

/** Payloads up to this size are moved where that aligns them. */
const movedBytes = 64 * 1024;

const highestKind = Math.max(...Object.values(frameKinds));
const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * A frame as buffers to write one after the other: the first holds prelude and header, the others are the payload's
 * own buffers, not copies, so they must not change until they are written. `header` is anything that JSON can hold;
 * `undefined` is an empty header.
 *
 * Throws `link_violation` if header or payload are beyond the limits, before anything is written.
 */
export function encodeFrame(
  kind: FrameKind,
  request: number,
  header: unknown,
  payload: readonly Uint8Array[] = [],
  limits: FrameLimits = defaultFrameLimits,
): Uint8Array[] {
  const text = header === undefined ? '' : JSON.stringify(header);
  // UTF-8 takes at most three bytes for each UTF-16 unit; names are mostly ASCII, so the exact size is rarely smaller by much.
  const room = new Uint8Array(preludeBytes + text.length * 3);
  const headerBytes = encoder.encodeInto(text, room.subarray(preludeBytes)).written;
  let payloadBytes = 0;
  for (const bytes of payload) payloadBytes += bytes.byteLength;
  if (headerBytes > limits.maxHeaderBytes)
    throw violation(`a header of ${headerBytes} bytes is longer than the ${limits.maxHeaderBytes} allowed`);
  if (payloadBytes > limits.maxPayloadBytes)
    throw violation(`a payload of ${payloadBytes} bytes is longer than the ${limits.maxPayloadBytes} allowed`);
  writeU32(room, 0, countedPreludeBytes + headerBytes + payloadBytes);
  room[4] = kind;
  writeU32(room, 5, request);
  writeU32(room, 9, headerBytes);
  const frame: Uint8Array[] = [room.subarray(0, preludeBytes + headerBytes)];
  for (const bytes of payload) if (bytes.byteLength > 0) frame.push(bytes);
  return frame;
}

/**
 * Reads frames from a stream, however it is cut into chunks. Memory is bounded by the limits: a frame's buffer is made
 * when its prelude was checked. A payload that arrived within one chunk is a view of it.
 *
 * The first bad frame throws `link_violation`; the link is of no use afterwards, and every later `push` throws too.
 */
export class FrameReader {
  readonly #limits: FrameLimits;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Bytes of a prelude that was cut. */
  readonly #prelude = new Uint8Array(preludeBytes);
  #preludeFilled = 0;
  /** Header and payload of the frame whose prelude is in `#prelude`, once that was read. */
  #body: Uint8Array | undefined;
  #bodyFilled = 0;
  #broken: MusterError | undefined;
  /** Whether a frame is a view of the chunk that is being read. */
  #isViewed = false;

  constructor(limits: FrameLimits = defaultFrameLimits) {
    this.#limits = limits;
  }

  /** Whether a frame has begun and is not complete: at the end of a stream it means that the other side broke off. */
  get isMidFrame(): boolean {
    return this.#preludeFilled > 0;
  }

  /**
   * Takes the next bytes and calls back with each frame that they complete, in order. False if one of these is a view of
   * the chunk; else the chunk has been copied from and is not needed any more.
   */
  push(chunk: Uint8Array, onFrame: (frame: ReadFrame) => void): boolean {
    if (this.#broken !== undefined) throw this.#broken;
    // Node's sockets give Buffers, whose `slice` does not copy as that of other arrays does: payloads are plain arrays.
    const bytes =
      chunk.constructor === Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#isViewed = false;
    try {
      this.#read(bytes, onFrame);
    } catch (thrown) {
      if (thrown instanceof MusterError && thrown.code === 'link_violation') this.#broken = thrown;
      throw thrown;
    }
    return !this.#isViewed;
  }

  #read(chunk: Uint8Array, onFrame: (frame: ReadFrame) => void): void {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#body !== undefined) {
        at += this.#fillBody(this.#body, chunk, at, onFrame);
        continue;
      }
      const missing = preludeBytes - this.#preludeFilled;
      if (this.#preludeFilled > 0 || chunk.byteLength - at < preludeBytes) {
        const taken = Math.min(missing, chunk.byteLength - at);
        this.#prelude.set(chunk.subarray(at, at + taken), this.#preludeFilled);
        this.#preludeFilled += taken;
        at += taken;
        if (this.#preludeFilled === preludeBytes) this.#beginBody(this.#prelude, 0, onFrame);
        continue;
      }
      const bodyBytes = this.#checkPrelude(chunk, at);
      const end = at + preludeBytes + bodyBytes;
      if (end <= chunk.byteLength) {
        this.#isViewed = true;
        onFrame(this.#frame(chunk, at, chunk.subarray(at + preludeBytes, end), undefined));
        at = end;
      } else {
        this.#prelude.set(chunk.subarray(at, at + preludeBytes));
        this.#preludeFilled = preludeBytes;
        at += preludeBytes;
        this.#beginBody(this.#prelude, 0, onFrame);
      }
    }
  }

  #beginBody(prelude: Uint8Array, at: number, onFrame: (frame: ReadFrame) => void): void {
    const bodyBytes = this.#checkPrelude(prelude, at);
    if (bodyBytes === 0) {
      this.#preludeFilled = 0;
      onFrame(this.#frame(prelude, at, nothing, undefined));
      return;
    }
    // Zeroed memory is only touched, and so only taken, as bytes arrive. It begins so that the payload is aligned.
    const skipped = -readU32(prelude, at + 9) & (payloadAlignment - 1);
    this.#body = new Uint8Array(new ArrayBuffer(skipped + bodyBytes), skipped);
    this.#bodyFilled = 0;
  }

  /** How many bytes of the chunk it took. */
  #fillBody(body: Uint8Array, chunk: Uint8Array, at: number, onFrame: (frame: ReadFrame) => void): number {
    const taken = Math.min(body.byteLength - this.#bodyFilled, chunk.byteLength - at);
    body.set(chunk.subarray(at, at + taken), this.#bodyFilled);
    this.#bodyFilled += taken;
    if (this.#bodyFilled === body.byteLength) {
      this.#body = undefined;
      this.#preludeFilled = 0;
      onFrame(this.#frame(this.#prelude, 0, body, new Uint8Array(body.buffer)));
    }
    return taken;
  }

  /** Bytes of header and payload that the prelude announces, after checking all that it says. */
  #checkPrelude(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at);
    const kind = bytes[at + 4] ?? 0;
    const headerBytes = readU32(bytes, at + 9);
    if (kind < 1 || kind > highestKind) throw violation(`there is no frame of kind ${kind}`);
    if (length < countedPreludeBytes + headerBytes)
      throw violation(`a frame of ${length} bytes cannot hold a header of ${headerBytes} bytes`);
    if (headerBytes > this.#limits.maxHeaderBytes)
      throw violation(`a header of ${headerBytes} bytes is longer than the ${this.#limits.maxHeaderBytes} allowed`);
    const bodyBytes = length - countedPreludeBytes;
    if (bodyBytes - headerBytes > this.#limits.maxPayloadBytes) {
      throw violation(
        `a payload of ${bodyBytes - headerBytes} bytes is longer than the ${this.#limits.maxPayloadBytes} allowed`,
      );
    }
    return bodyBytes;
  }

  #frame(prelude: Uint8Array, at: number, body: Uint8Array, memory: Uint8Array | undefined): ReadFrame {
    const headerBytes = readU32(prelude, at + 9);
    let header: unknown;
    if (headerBytes > 0) {
      try {
        header = JSON.parse(this.#decoder.decode(body.subarray(0, headerBytes)));
      } catch (thrown) {
        throw violation('the header of a frame is not JSON', thrown);
      }
    }
    return {
      kind: (prelude[at + 4] ?? 0) as FrameKind,
      request: readU32(prelude, at + 5),
      header,
      payload: headerBytes === body.byteLength ? nothing : alignedPayload(body, headerBytes),
      memory,
    };
  }
}

/**
 * The payload behind a header. A small one that lies askew is moved once here, so that its tensors can be read as
 * arrays of their elements: else each of the requests that share it would have to copy its own part.
 */
function alignedPayload(body: Uint8Array, headerBytes: number): Uint8Array {
  const isAligned = (body.byteOffset + headerBytes) % payloadAlignment === 0;
  return isAligned || body.byteLength - headerBytes > movedBytes ? body.subarray(headerBytes) : body.slice(headerBytes);
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
  );
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

function violation(message: string, cause?: unknown): MusterError {
  return new MusterError('link_violation', message, cause === undefined ? {} : { cause });
}
