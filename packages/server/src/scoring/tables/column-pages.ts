import { readSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { MusterError } from '@muster-ml/protocol';
import type { ColumnMetaData, SchemaTree } from 'hyparquet/src/types.js';
import { compressors as pureCompressors } from 'hyparquet-compressors';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, convertWithDictionary } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import type { ColumnDecoder, Compressors, DecodedArray, PageHeader, ParquetParsers } from 'hyparquet/src/types.js';
import type { ValueType, Values } from './table.ts';

/** Bytes that are read at once; a page that is larger is read whole. */
const windowBytes = 1024 * 1024;
/** A header of a page with the statistics that some writers put in. */
const headerBytes = 64 * 1024;
/** Largest page, so that a broken file does not take all memory; writers make pages of about a megabyte. */
const maxPageBytes = 1024 * 1024 * 1024;

/** What Node does itself, and faster. */
const compressors: Compressors = {
  ...pureCompressors,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: length }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: length }),
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: length }),
};

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Times stay the numbers that they are, texts must be UTF-8 and documents stay texts. */
const parsers: ParquetParsers = {
  timestampFromMilliseconds: (millis) => millis,
  timestampFromMicroseconds: (micros) => micros,
  timestampFromNanoseconds: (nanos) => nanos,
  dateFromDays: (days) => days,
  stringFromBytes: textOf,
  jsonFromBytes: textOf,
  geometryFromBytes: () => null,
  geographyFromBytes: () => null,
  uuidFromBytes: (bytes) =>
    Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
};

/** Not UTF-8: as if it was missing. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Reads a flat column of a row group page by page: no more of it is in memory than a page and a window of the file. It
 * uses the decoders of hyparquet, but not its assembly of nested values, which takes most of the time for flat ones.
 */
export class ColumnPages {
  readonly #file: number;
  readonly #type: ValueType;
  readonly #decoder: ColumnDecoder;
  #at: number;
  readonly #end: number;
  #window: Uint8Array = new Uint8Array();
  #windowAt = 0;
  #dictionary: DecodedArray | undefined;
  #page: Values = [];
  #pageAt = 0;

  constructor(file: number, type: ValueType, path: SchemaTree[], column: ColumnMetaData) {
    const element = path.at(-1)?.element;
    if (element === undefined) throw new TypeError('a column without a schema');
    this.#file = file;
    this.#type = type;
    this.#decoder = {
      pathInSchema: column.path_in_schema,
      type: column.type,
      element,
      schemaPath: path,
      codec: column.codec,
      compressors,
      parsers,
    };
    // Some writers leave the dictionary out of the metadata, which then begins where the data is said to.
    const dictionary = Number(column.dictionary_page_offset ?? 0);
    const data = Number(column.data_page_offset);
    this.#at = dictionary > 0 && dictionary < data ? dictionary : data;
    this.#end = this.#at + Number(column.total_compressed_size);
  }

  /** The next values, as many as there are up to `count`; the row group says how many there are. */
  take(count: number): Values {
    const first = this.#piece(count);
    if (first.length === count) return first;
    const pieces = [first];
    for (let have = first.length; have < count;) {
      const piece = this.#piece(count - have);
      pieces.push(piece);
      have += piece.length;
    }
    return joined(pieces, count);
  }

  skip(count: number): void {
    for (let left = count; left > 0;) left -= this.#piece(left).length;
  }

  /** What is left of the page, or the next one. */
  #piece(count: number): Values {
    while (this.#pageAt >= this.#page.length) {
      this.#page = this.#nextPage();
      this.#pageAt = 0;
    }
    const from = this.#pageAt;
    this.#pageAt = Math.min(this.#page.length, from + count);
    const page = this.#page as Float64Array;
    return Array.isArray(page) ? page.slice(from, this.#pageAt) : page.subarray(from, this.#pageAt);
  }

  #nextPage(): Values {
    for (;;) {
      if (this.#at >= this.#end) throw broken('a column has fewer values than its row group has rows');
      const reader = { view: this.#view(headerBytes), offset: 0 };
      const header = parquetHeader(reader);
      const sizes = [header.compressed_page_size, header.uncompressed_page_size];
      if (sizes.some((size) => !(size >= 0 && size <= maxPageBytes))) throw broken('a page has an impossible size');
      this.#at += reader.offset;
      const bytes = this.#bytes(header.compressed_page_size);
      this.#at += header.compressed_page_size;
      if (header.type === 'DICTIONARY_PAGE') {
        const page = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
        const { data } = readPage(page, header, this.#decoder, undefined, undefined, 0);
        if (data !== undefined) this.#dictionary = convert(data, this.#decoder);
        continue;
      }
      const values = this.#decode(header, bytes);
      if (values.length > 0) return values;
    }
  }

  #decode(header: PageHeader, bytes: Uint8Array): Values {
    const { data_page_header: v1, data_page_header_v2: v2 } = header;
    const { codec } = this.#decoder;
    if (v1 !== undefined) {
      const page = decompressPage(bytes, header.uncompressed_page_size, codec, compressors);
      const { dataPage, definitionLevels } = readDataPage(page, v1, this.#decoder);
      const values = convertWithDictionary(dataPage, this.#dictionary, v1.encoding, this.#decoder);
      return this.#spread(values, definitionLevels);
    }
    if (v2 === undefined) throw broken(`a page of the type ${header.type} is not known`);
    const { dataPage, definitionLevels } = readDataPageV2(bytes, header, this.#decoder);
    const values = convertWithDictionary(dataPage, this.#dictionary, v2.encoding, this.#decoder);
    return this.#spread(values, v2.num_nulls === 0 ? [] : definitionLevels);
  }

  /** Puts the values that are there among those that are missing; numbers into arrays of numbers. */
  #spread(values: DecodedArray, levels: readonly number[] | undefined): Values {
    const hasAll = levels === undefined || levels.length === 0;
    const isFloat = this.#type === 'float64' || this.#type === 'float32';
    if (hasAll && (!Array.isArray(values) || !isFloat)) return values;
    const count = hasAll ? values.length : levels.length;
    const spread: Float64Array | unknown[] = isFloat ? new Float64Array(count) : new Array<unknown>(count);
    const absent = isFloat ? NaN : null;
    for (let i = 0, next = 0; i < count; i++)
      (spread as unknown[])[i] = hasAll || levels[i] === 1 ? (values[next++] as unknown) : absent;
    return spread as Values;
  }

  #view(size: number): DataView {
    const bytes = this.#bytes(Math.min(size, this.#end - this.#at));
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes of the file from where it stands. */
  #bytes(size: number): Uint8Array {
    const skip = this.#at - this.#windowAt;
    if (skip >= 0 && skip + size <= this.#window.length) return this.#window.subarray(skip, skip + size);
    if (this.#at + size > this.#end) throw broken('a page ends behind its column');
    const fresh = new Uint8Array(Math.min(Math.max(size, windowBytes), this.#end - this.#at));
    readFully(this.#file, fresh, this.#at);
    this.#window = fresh;
    this.#windowAt = this.#at;
    return fresh.subarray(0, size);
  }
}

/** Fills the bytes from a position of the file. Throws `invalid_table` where it ends before. */
export function readFully(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) {
    const count = readSync(file, bytes, at, bytes.length - at, position + at);
    if (count === 0) throw broken('the file ends too early');
    at += count;
  }
}

function joined(pieces: readonly Values[], count: number): Values {
  const [first] = pieces;
  const isTyped = ArrayBuffer.isView(first) && pieces.every((piece) => piece.constructor === first.constructor);
  const whole: Float64Array | unknown[] = isTyped
    ? new (first.constructor as Float64ArrayConstructor)(count)
    : new Array<unknown>(count);
  let at = 0;
  for (const piece of pieces) {
    if (isTyped) (whole as Float64Array).set(piece as Float64Array, at);
    else for (let i = 0; i < piece.length; i++) (whole as unknown[])[at + i] = piece[i];
    at += piece.length;
  }
  return whole as Values;
}

export function broken(what: string): MusterError {
  return new MusterError('invalid_table', `the Parquet file is broken: ${what}`);
}
