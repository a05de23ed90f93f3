import type { Cell } from './cell.ts';
import { type Column, isFloat } from './row-plan.ts';

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const integer = /^[+-]?\d{1,20}$/;

/**
 * A field of CSV as the cell that its column takes: CSV has nothing but text. Empty, `NaN` and `NA` are unknown; a text
 * that is no value of the column's kind stays one, and is refused when it is stored. A list is written as in JSON.
 */
export function textCell(text: string, { datatype, shape, isNullable, isJson }: Column): Cell {
  if (shape.length > 0) return listCell(text);
  if (isJson) return isJsonText(text) ? text : JSON.stringify(text);
  if (datatype === 'BYTES') return text === '' && isNullable ? null : text;
  const trimmed = text.trim();
  if (datatype === 'BOOL') return booleanCell(trimmed);
  if (isFloat(datatype)) return floatCell(trimmed);
  if (integer.test(trimmed)) {
    const value = Number(trimmed);
    return Number.isSafeInteger(value) ? value : BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
  }
  // A column of integers with gaps comes out of a data frame as 1.0.
  return number.test(trimmed) ? Number(trimmed) : (booleanWord(trimmed) ?? trimmed);
}

function floatCell(text: string): Cell {
  if (number.test(text)) {
    const value = Number(text);
    // Too large for a number: refused, not infinite.
    return Number.isFinite(value) ? value : text;
  }
  switch (text.toLowerCase()) {
    case '':
    case 'nan':
    case 'na':
    case 'null':
      return null;
    case 'inf':
    case '+inf':
    case 'infinity':
      return Infinity;
    case '-inf':
    case '-infinity':
      return -Infinity;
    default:
      return booleanWord(text) ?? text;
  }
}

function booleanCell(text: string): Cell {
  if (text === '1') return true;
  if (text === '0') return false;
  return booleanWord(text) ?? text;
}

function booleanWord(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (word === 'true') return true;
  return word === 'false' ? false : undefined;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function listCell(text: string): Cell {
  try {
    // Whatever it is: only lists of the column's shape and kind can be stored.
    return JSON.parse(text) as Cell;
  } catch {
    return text;
  }
}
