import { fstatSync, readSync } from 'node:fs';
import { MusterError } from '@muster-ml/protocol';

const windowBytes = 4 * 1024 * 1024;
/** Longest record: where a quote is opened and never closed, the rest of the file would be one. */
export const maxRecordBytes = 16 * 1024 * 1024;

const quote = 0x22;
const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Finds the records of CSV (RFC 4180) in a file, a window at a time. The fields of the current record are `starts` and
 * `ends` in `bytes`, without their quotes; `hasQuotes` says of each whether quotes in it are written twice.
 */
export class CsvScanner {
  bytes: Buffer = Buffer.alloc(0);
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly hasQuotes: boolean[] = [];
  /** Fields of the current record. */
  count = 0;
  /** What is wrong with the current record, if anything. */
  fault: string | undefined;
  readonly sizeBytes: number;
  readonly #file: number;
  readonly #delimiter: number;
  /** Position in the file of the first byte of the window. */
  #windowAt: number;
  #at = 0;

  constructor(file: number, delimiter: string, from: number) {
    this.#file = file;
    this.#delimiter = delimiter.charCodeAt(0);
    this.sizeBytes = fstatSync(file).size;
    this.#windowAt = from;
    if (from > 0) return;
    this.#fill(0);
    // A mark of the byte order, as Excel writes it.
    if (this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf) this.#at = 3;
  }

  /** Where the next record begins. */
  get place(): number {
    return this.#windowAt + this.#at;
  }

  /** Goes to the next record; false at the end. Throws `invalid_table` for one that has no end. */
  next(): boolean {
    for (;;) {
      if (this.#scan()) return true;
      const isAtEnd = this.#windowAt + this.bytes.length >= this.sizeBytes;
      if (isAtEnd && this.#at >= this.bytes.length) return false;
      if (isAtEnd || this.bytes.length - this.#at > maxRecordBytes)
        throw new MusterError(
          'invalid_table',
          isAtEnd
            ? 'a quote is opened and never closed'
            : `a line is longer than ${maxRecordBytes / 1024 ** 2} MiB; is a quote opened and never closed?`,
        );
      this.#fill(this.#at);
    }
  }

  /** Whether the current record is a line without anything on it. */
  get isEmpty(): boolean {
    return this.count === 1 && this.starts[0] === this.ends[0] && this.hasQuotes[0] === false && this.#wasBare;
  }

  #wasBare = false;

  /** A field as text; undefined where it is not UTF-8. */
  text(index: number): string | undefined {
    const [start, end] = [this.starts[index] ?? 0, this.ends[index] ?? 0];
    const raw = this.bytes.toString('utf8', start, end);
    // What is not UTF-8 was replaced: then the bytes differ from those of the text.
    if (raw.includes('\ufffd') && Buffer.byteLength(raw) !== end - start) return undefined;
    if (raw.includes('\ufffd') && !Buffer.from(raw).equals(this.bytes.subarray(start, end))) return undefined;
    return this.hasQuotes[index] === true ? raw.replaceAll('""', '"') : raw;
  }

  /** Moves the window so that it begins at `from`, and reads on; grows where nothing would be gained. */
  #fill(from: number): void {
    const kept = this.bytes.length - from;
    const ahead = Math.max(0, this.sizeBytes - this.#windowAt - this.bytes.length);
    const fresh = Buffer.allocUnsafe(kept + Math.min(windowBytes, ahead));
    this.bytes.copy(fresh, 0, from);
    this.#windowAt += from;
    this.#at = 0;
    let size = kept;
    while (size < fresh.length) {
      const read = readSync(this.#file, fresh, size, fresh.length - size, this.#windowAt + size);
      if (read === 0) break;
      size += read;
    }
    this.bytes = fresh.subarray(0, size);
  }

  /** Reads a record; false, and nothing has changed, where the window ends before it does. */
  #scan(): boolean {
    const { bytes, starts, ends, hasQuotes } = this;
    const delimiter = this.#delimiter;
    const end = bytes.length;
    const isLast = this.#windowAt + end >= this.sizeBytes;
    let at = this.#at;
    let count = 0;
    let fault: string | undefined;
    let byte = -1;
    if (at >= end) return false;
    const isBare = bytes[at] !== quote;
    do {
      let start = at;
      let stop: number;
      let isDoubled = false;
      if (at < end && bytes[at] === quote) {
        start = ++at;
        for (;;) {
          at = bytes.indexOf(quote, at);
          if (at < 0) return false;
          if (at + 1 >= end && !isLast) return false;
          if (bytes[at + 1] !== quote) break;
          isDoubled = true;
          at += 2;
        }
        stop = at++;
        byte = at < end ? (bytes[at] ?? -1) : -1;
        if (byte !== -1 && byte !== delimiter && byte !== newline && byte !== carriageReturn)
          fault = 'a quote is closed within a field';
      } else stop = -1;
      // To the end of the field; behind a quoted one there should be nothing.
      for (;;) {
        if (at >= end) {
          if (!isLast) return false;
          byte = -1;
          break;
        }
        byte = bytes[at] ?? -1;
        if (byte === delimiter || byte === newline) break;
        at++;
      }
      if (stop < 0) stop = byte !== delimiter && at > start && bytes[at - 1] === carriageReturn ? at - 1 : at;
      starts[count] = start;
      ends[count] = stop;
      hasQuotes[count] = isDoubled;
      count++;
      at++;
    } while (byte === delimiter);
    this.#at = Math.min(at, end);
    this.#wasBare = isBare;
    this.count = count;
    this.fault = fault;
    return true;
  }
}
