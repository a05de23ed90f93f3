import { MusterError } from '../../errors/muster-error.ts';
import { type JsonScanner, maxDepth } from '../json-scanner.ts';
import type { Cell } from './cell.ts';
import type { Column } from './row-plan.ts';

const openBracket = 0x5b;
const closeBracket = 0x5d;
const quote = 0x22;
const decoder = new TextDecoder();

/**
 * Reads the value at the scanner's position as a cell: a single value or nested lists; for a column of JSON documents any
 * value, as its text. Throws `invalid_rows` where it is something else, and `invalid_json`.
 */
export function readCell(scanner: JsonScanner, column: Column | undefined, place: string): Cell {
  if (column?.isJson !== true) return readValue(scanner, place, 0);
  scanner.peek();
  const start = scanner.at;
  scanner.skip();
  return decoder.decode(scanner.bytes.subarray(start, scanner.at));
}

function readValue(scanner: JsonScanner, place: string, depth: number): Cell {
  const byte = scanner.peek();
  if (byte === quote) return scanner.string();
  if (byte === openBracket) {
    if (depth === maxDepth) throw scanner.fault(`values may nest at most ${maxDepth} deep`);
    const cells: Cell[] = [];
    if (scanner.open(openBracket, closeBracket)) {
      do cells.push(readValue(scanner, place, depth + 1));
      while (scanner.more(closeBracket));
    }
    return cells;
  }
  if (scanner.word('null') || scanner.word('NaN')) return null;
  if (scanner.word('true')) return true;
  if (scanner.word('false')) return false;
  if (scanner.word('Infinity')) return Infinity;
  if (scanner.word('-Infinity')) return -Infinity;
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return readNumber(scanner, place);
  scanner.skip();
  throw invalid(`${place} must be a value or a list of values`, place);
}

function readNumber(scanner: JsonScanner, place: string): number | bigint {
  const start = scanner.at;
  const isInteger = scanner.skipNumber();
  const text = scanner.ascii(start, scanner.at);
  const value = Number(text);
  if (!Number.isFinite(value)) throw invalid(`${place} is larger than any number`, place);
  if (!isInteger || Number.isSafeInteger(value)) return value;
  // Integers of 64 bits have up to 20 characters; longer ones can only be meant as floats.
  return text.length <= 20 ? BigInt(text) : value;
}

function invalid(message: string, place: string): MusterError {
  return new MusterError('invalid_rows', message, { place });
}
