import { MusterError } from '../errors/muster-error.ts';
import { isUtf8, utf8Length, writeCodePoint } from './utf8.ts';

/** Arrays and objects within each other, at most; what nests deeper is refused before it can exhaust anything. */
export const maxDepth = 100;

const quote = 0x22;
const backslash = 0x5c;

/**
 * Reads JSON from its bytes, from left to right, without making values of what nobody asked for.
 *
 * `JSON.parse` rounds integers beyond 2^53, refuses the bare `NaN` that Python clients send, and makes an array of
 * numbers that would have to be copied again; so the inference codec reads by hand. Strict otherwise: what
 * `JSON.parse` refuses is refused, with line and column. Every method begins at `at` and leaves it behind what it read.
 */
export class JsonScanner {
  readonly bytes: Uint8Array;
  readonly end: number;
  at = 0;
  #latin1: string | undefined;

  /** Reads `bytes` up to `end`; a byte order mark is skipped, as Windows programs send one. */
  constructor(bytes: Uint8Array, end: number = bytes.length) {
    this.bytes = bytes;
    this.end = end;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.at = 3;
  }

  /** The error of malformed JSON at `position`. */
  fault(what: string, position = this.at): MusterError {
    let line = 1;
    let lineStart = 0;
    for (let i = 0; i < position; i++) {
      if (this.bytes[i] !== 0x0a) continue;
      line++;
      lineStart = i + 1;
    }
    const column = position - lineStart + 1;
    const found = position >= this.end ? 'the JSON ends here' : what;
    return new MusterError('invalid_json', `line ${line}, column ${column} (byte ${position}): ${found}`, {
      place: `body:${line}:${column}`,
    });
  }

  /** Skips white space and answers the byte that follows, -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    let { at } = this;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at;
        return byte;
      }
      at++;
    }
    this.at = at;
    return -1;
  }

  /** Steps over one punctuation mark. */
  expect(byte: number): void {
    if (this.peek() !== byte) throw this.fault(`"${String.fromCharCode(byte)}" was expected`);
    this.at++;
  }

  /** After an element of an array or object: true past a comma, false past `close`. */
  more(close: number): boolean {
    const byte = this.peek();
    if (byte !== 0x2c && byte !== close) throw this.fault(`"," or "${String.fromCharCode(close)}" was expected`);
    this.at++;
    return byte === 0x2c;
  }

  /** Steps over `open` and, where `close` follows, over that: true if there are elements to read. */
  open(open: number, close: number): boolean {
    this.expect(open);
    if (this.peek() !== close) return true;
    this.at++;
    return false;
  }

  /** Begins a member of an object: reads its name and the colon. */
  key(): string {
    if (this.peek() !== quote) throw this.fault('a name in double quotes was expected');
    const name = this.string();
    this.expect(0x3a);
    return name;
  }

  /** Fails where something follows the document. */
  finish(): void {
    if (this.peek() !== -1) throw this.fault('the JSON document has ended, but more follows');
  }

  /** Reads a string. */
  string(): string {
    const { bytes } = this;
    const start = this.at + 1;
    // Names are short and plain: built character by character, which beats a decoder up to a few dozen.
    let text = '';
    const limit = Math.min(this.end, start + 48);
    for (let at = start; at < limit; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === quote) {
        this.at = at + 1;
        return text;
      }
      if (byte === backslash || byte < 0x20 || byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    const from = this.at;
    const size = this.skipString();
    const content = new Uint8Array(size);
    this.#unescape(from + 1, this.at - 1, content, 0);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  }

  /** Steps over a string and checks it; answers how many bytes its text has in UTF-8. */
  skipString(): number {
    const { bytes, end } = this;
    const from = this.at + 1;
    let at = from;
    let seen = 0;
    let saved = 0;
    for (;;) {
      if (at >= end) throw this.fault('', at);
      const byte = bytes[at] ?? 0;
      if (byte === quote) break;
      if (byte < 0x20) throw this.fault('a control character in a string must be escaped', at);
      seen |= byte;
      if (byte !== backslash) {
        at++;
        continue;
      }
      const width = this.#escapeWidth(at);
      saved += width - utf8Length(this.#escaped(at));
      at += width;
    }
    if (seen >= 0x80 && !isUtf8(bytes, from, at)) throw this.fault('the string is not UTF-8', from);
    this.at = at + 1;
    return at - from - saved;
  }

  /** Reads a string of `size` bytes (as `skipString` counted from `from`) into `target`. */
  copyString(from: number, target: Uint8Array, offset: number, size: number): void {
    const start = from + 1;
    const stop = this.at - 1;
    if (stop - start === size) target.set(this.bytes.subarray(start, stop), offset);
    else this.#unescape(start, stop, target, offset);
  }

  #unescape(start: number, stop: number, target: Uint8Array, offset: number): void {
    const { bytes } = this;
    let to = offset;
    for (let at = start; at < stop;) {
      const byte = bytes[at] ?? 0;
      if (byte === backslash) {
        to = writeCodePoint(target, to, this.#escaped(at));
        at += this.#escapeWidth(at);
      } else {
        target[to++] = byte;
        at++;
      }
    }
  }

  /** Bytes of the escape at `at`: 2, 6, or 12 for a pair of surrogates. */
  #escapeWidth(at: number): number {
    if (this.bytes[at + 1] !== 0x75) return 2;
    const unit = this.#unit(at);
    return unit >= 0xd800 && unit < 0xdc00 ? 12 : 6;
  }

  /** Code point of the escape at `at`. */
  #escaped(at: number): number {
    switch (this.bytes[at + 1]) {
      case quote:
      case backslash:
      case 0x2f:
        return this.bytes[at + 1] ?? 0;
      case 0x62:
        return 8;
      case 0x66:
        return 12;
      case 0x6e:
        return 10;
      case 0x72:
        return 13;
      case 0x74:
        return 9;
      case 0x75:
        break;
      default:
        throw this.fault('there is no such escape', at);
    }
    const unit = this.#unit(at);
    if (unit < 0xd800 || unit > 0xdfff) return unit;
    const low = this.bytes[at + 6] === backslash && this.bytes[at + 7] === 0x75 ? this.#unit(at + 6) : 0;
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) throw this.fault('half of a surrogate pair is not text', at);
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }

  #unit(at: number): number {
    let unit = 0;
    for (let i = at + 2; i < at + 6; i++) {
      const digit = i < this.end ? hexDigit(this.bytes[i] ?? 0) : -1;
      if (digit < 0) throw this.fault('four hexadecimal digits were expected', i);
      unit = unit * 16 + digit;
    }
    return unit;
  }

  /** Steps over the number at `at` by JSON's grammar and answers whether it has neither fraction nor exponent. */
  skipNumber(): boolean {
    const { bytes } = this;
    let { at } = this;
    let isInteger = true;
    if (bytes[at] === 0x2d) at++;
    if (bytes[at] === 0x30 && at < this.end) at++;
    else at = this.#digits(at);
    if (bytes[at] === 0x2e && at < this.end) {
      isInteger = false;
      at = this.#digits(at + 1);
    }
    if (((bytes[at] ?? 0) | 0x20) === 0x65 && at < this.end) {
      isInteger = false;
      at++;
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++;
      at = this.#digits(at);
    }
    this.at = at;
    return isInteger;
  }

  #digits(from: number): number {
    const { bytes, end } = this;
    let at = from;
    while (at < end && isDigit(bytes[at] ?? 0)) at++;
    if (at === from) throw this.fault('a digit was expected', at);
    return at;
  }

  /** The ASCII text between two positions. */
  ascii(start: number, stop: number): string {
    // One character a byte: decoding all of it once makes every piece a cheap slice.
    this.#latin1 ??= new TextDecoder('latin1').decode(this.bytes.subarray(0, this.end));
    return this.#latin1.slice(start, stop);
  }

  /** Whether `word` stands at `at`; steps over it. */
  word(word: string): boolean {
    if (this.end - this.at < word.length) return false;
    for (let i = 0; i < word.length; i++) if (this.bytes[this.at + i] !== word.charCodeAt(i)) return false;
    this.at += word.length;
    return true;
  }

  /** Steps over any value. Bare `NaN`, `Infinity` and `-Infinity` pass: whoever reads the value decides about them. */
  skip(): void {
    // One bit of kind a level: true for objects.
    const open: boolean[] = [];
    for (;;) {
      const byte = this.peek();
      if (byte === 0x7b || byte === 0x5b) {
        if (open.length >= maxDepth) throw this.fault(`values may nest at most ${maxDepth} deep`);
        open.push(byte === 0x7b);
        if (this.open(byte, byte + 2)) {
          if (byte === 0x7b) this.key();
          continue;
        }
        open.pop();
      } else this.#skipScalar(byte);
      for (;;) {
        const isObject = open.at(-1);
        if (isObject === undefined) return;
        if (this.more(isObject ? 0x7d : 0x5d)) {
          if (isObject) this.key();
          break;
        }
        open.pop();
      }
    }
  }

  #skipScalar(byte: number): void {
    if (byte === quote) this.skipString();
    else if (isDigit(byte)) this.skipNumber();
    else if (byte === 0x2d) {
      if (!this.word('-Infinity')) this.skipNumber();
    } else if (
      !(this.word('true') || this.word('false') || this.word('null') || this.word('NaN') || this.word('Infinity'))
    )
      throw this.fault('a value was expected');
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
