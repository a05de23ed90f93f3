import { readSync } from 'node:fs';
import { MusterError } from '@muster-ml/protocol';

/** Messages inside each other that are read; protobuf's own limit, so that nothing deeper can be loaded anyway. */
export const maxDepth = 100;

/** Fields that are looked at in one file, so that a hostile one costs seconds and not hours. */
const maxFields = 50_000_000;

const windowBytes = 64 * 1024;

/** Bytes of a file from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One field of a protobuf message: where it is, and its number if it is an integer. */
export interface WireField extends ByteRange {
  readonly number: number;
  readonly type: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
  /** Where the field's tag begins; `start` to `end` is what follows tag and length. */
  readonly tagStart: number;
  /** A varint as a signed 64-bit integer, rounded beyond 2^53; 0 for other types. */
  readonly value: number;
}

/** Where the bytes come from; `read` fills the buffer from a position of the source and returns how many it got. */
export interface ByteSource {
  readonly size: number;
  read(into: Uint8Array, position: number): number;
}

/** An open file as a source. */
export function fileSource(descriptor: number, size: number): ByteSource {
  return { size, read: (into, position) => readSync(descriptor, into, 0, into.byteLength, position) };
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    read(into, position) {
      const part = bytes.subarray(position, position + into.byteLength);
      into.set(part);
      return part.byteLength;
    },
  };
}

/**
 * Walks protobuf of any size through a window of 64 KiB: what is skipped is never read. Whatever does not fit the wire
 * format throws `invalid_model_file` with the byte where it is.
 */
export class WireReader {
  readonly #source: ByteSource;
  readonly #window: Uint8Array;
  #windowStart = 0;
  #windowEnd = 0;
  #fields = 0;

  constructor(source: ByteSource) {
    this.#source = source;
    this.#window = new Uint8Array(Math.min(windowBytes, source.size));
  }

  get size(): number {
    return this.#source.size;
  }

  /** The fields of a message, in order. `depth` counts the messages around it. */
  *fields(message: ByteRange, depth: number): Generator<WireField> {
    if (depth > maxDepth) throw malformed(`more than ${maxDepth} messages are nested at byte ${message.start}`);
    let at = message.start;
    while (at < message.end) {
      this.#fields += 1;
      if (this.#fields > maxFields) throw malformed(`the file has more than ${maxFields} fields`);
      const field = this.#field(at, message.end);
      at = field.end;
      yield field;
    }
  }

  /** Bytes of a range; throws `invalid_model_file` beyond the limit. */
  bytes({ start, end }: ByteRange, maxBytes: number): Uint8Array {
    if (end - start > maxBytes)
      throw malformed(`a text of ${end - start} bytes at byte ${start} is longer than the ${maxBytes} allowed`);
    const bytes = new Uint8Array(end - start);
    for (let filled = 0; filled < bytes.byteLength;) {
      const read = this.#source.read(bytes.subarray(filled), start + filled);
      if (read === 0) throw this.#endsInside(start, end);
      filled += read;
    }
    return bytes;
  }

  /** Text of a range; bytes that are no UTF-8 become U+FFFD. */
  text(range: ByteRange, maxBytes: number): string {
    if (range.end - range.start > 64) return new TextDecoder().decode(this.bytes(range, maxBytes));
    // Names are short and many: they come straight from the window.
    let text = '';
    for (let at = range.start; at < range.end; at++) {
      const byte = this.#byte(at);
      if (byte > 127) return new TextDecoder().decode(this.bytes(range, maxBytes));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** The integers of a repeated field, packed or not; beyond 2^53 rounded. Throws `invalid_model_file` for more than `maxCount`. */
  integers(field: WireField, maxCount: number): number[] {
    if (field.type === 'varint') return [field.value];
    if (field.type !== 'bytes') throw malformed(`the integers at byte ${field.tagStart} have another type`);
    const values: number[] = [];
    for (let at = field.start; at < field.end;) {
      if (values.length >= maxCount) throw malformed(`more than ${maxCount} integers at byte ${field.tagStart}`);
      const { value, end } = this.#varint(at, field.end);
      values.push(value);
      at = end;
    }
    return values;
  }

  #field(tagStart: number, messageEnd: number): WireField {
    const tag = this.#varint(tagStart, messageEnd);
    const number = Math.floor(tag.value / 8);
    if (number < 1 || number > 0x1fff_ffff) throw malformed(`the bytes at ${tagStart} are not protobuf`);
    const wireType = tag.value % 8;
    if (wireType === 0) {
      const { value, end } = this.#varint(tag.end, messageEnd);
      return { number, type: 'varint', tagStart, start: tag.end, end, value };
    }
    if (wireType === 2) {
      const { value: length, end: start } = this.#varint(tag.end, messageEnd);
      return { number, type: 'bytes', tagStart, start, end: this.#within(start, length, messageEnd), value: 0 };
    }
    if (wireType === 1)
      return { number, type: 'fixed64', tagStart, start: tag.end, end: this.#within(tag.end, 8, messageEnd), value: 0 };
    if (wireType === 5)
      return { number, type: 'fixed32', tagStart, start: tag.end, end: this.#within(tag.end, 4, messageEnd), value: 0 };
    throw malformed(`the bytes at ${tagStart} are not the protobuf of an ONNX model`);
  }

  #within(start: number, length: number, messageEnd: number): number {
    const end = start + length;
    if (length < 0 || end > messageEnd) throw this.#endsInside(start, length < 0 ? Number.POSITIVE_INFINITY : end);
    return end;
  }

  #varint(start: number, messageEnd: number): { value: number; end: number } {
    let value = 0;
    let big = 0n;
    for (let index = 0; index < 10; index++) {
      const at = start + index;
      if (at >= messageEnd) throw this.#endsInside(start, at + 1);
      const byte = this.#byte(at);
      // Up to 49 bits are exact in a number; only longer ones pay for BigInt.
      if (index < 7) value += (byte & 127) * 2 ** (7 * index);
      else big |= BigInt(byte & 127) << BigInt(7 * index);
      if (byte < 128) return { value: index < 7 ? value : Number(BigInt.asIntN(64, big | BigInt(value))), end: at + 1 };
    }
    throw malformed(`the integer at byte ${start} is longer than ten bytes`);
  }

  #byte(at: number): number {
    if (at < this.#windowStart || at >= this.#windowEnd) {
      this.#windowStart = at;
      this.#windowEnd = at + this.#source.read(this.#window, at);
      if (this.#windowEnd === at) throw this.#endsInside(at, at + 1);
    }
    return this.#window[at - this.#windowStart] ?? 0;
  }

  #endsInside(start: number, end: number): MusterError {
    if (end > this.size)
      return malformed(
        `the file ends at byte ${this.size}, inside a field that begins at byte ${start}: it is cut off or damaged`,
      );
    return malformed(`the field at byte ${start} is longer than the message that holds it`);
  }
}

/** The error of a file that is not what it should be. */
export function malformed(message: string): MusterError {
  return new MusterError('invalid_model_file', message);
}
