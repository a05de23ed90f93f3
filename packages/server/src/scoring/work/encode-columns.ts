import {
  type Cell,
  type Column,
  type ElementStore,
  type RowPlan,
  type Tensor,
  datatypeSizes,
  elementStore,
  hasRowDim,
  packByteElements,
} from '@muster-ml/protocol';
import { misfit, missingValue } from '../tables/reasons.ts';
import type { Values } from '../tables/table.ts';

/** Hears of a row, by its index in the block, that cannot be sent. */
export type OnMisfit = (row: number, column: string, reason: string) => void;

const empty = new Uint8Array();
const noValues: Values = { length: 0 };

/**
 * Makes a model's inputs of some rows of a block: `rows` are their indexes, `columns` the values of each column of the plan,
 * undefined for one that the table does not have. The tensors hold what was left at zero for rows that `onMisfit` hears of.
 *
 * It does for columns what `encodeRows` does for rows, with the same rules, and tells all bad rows instead of the first.
 */
export function encodeColumns(
  plan: RowPlan,
  columns: readonly (Values | undefined)[],
  rows: Uint32Array,
  onMisfit: OnMisfit,
): Tensor[] {
  const tensors: Tensor[] = [];
  const columnsOf = Map.groupBy(plan.columns.keys(), (index) => plan.columns[index]?.input ?? 0);
  for (const [input, indexes] of columnsOf) {
    const [index = -1] = indexes;
    const [spec, first, values] = [plan.signature.inputs[input], plan.columns[index], columns[index]];
    if (spec === undefined || first === undefined) continue;
    if (first.isOptional && isAbsent(values, rows)) continue;
    const shape = first.shape.includes(-1) ? resolveShape(first.shape, values, rows) : first.shape;
    const rowElements = indexes.length > 1 ? indexes.length : shape.reduce((product, size) => product * size, 1);
    const count = rows.length * rowElements;
    const texts = spec.datatype === 'BYTES' ? Array.from({ length: count }, () => empty) : undefined;
    const bytes = new Uint8Array(count * datatypeSizes[spec.datatype]);
    const store = elementStore(spec.datatype, bytes, texts, spec.nullable === true);
    for (const each of indexes) {
      const column = plan.columns[each];
      if (column === undefined) continue;
      const from = columns[each] ?? noValues;
      if (!storeFloats(from, column, bytes, rowElements, rows, onMisfit))
        storeCells(from, column, shape, store, rowElements, rows, onMisfit);
    }
    const hasRows = hasRowDim(spec);
    const dims = spec.shape.slice(hasRows ? 1 : 0).map((size, dim) => (size === -1 ? (shape[dim] ?? 0) : size));
    tensors.push({
      name: spec.name,
      datatype: spec.datatype,
      shape: hasRows ? [rows.length, ...dims] : dims,
      bytes: texts === undefined ? bytes : packByteElements(texts),
    });
  }
  return tensors;
}

/** Most tables are numbers, and most of the time is spent here; false where it is another case. */
function storeFloats(
  values: Values,
  column: Column,
  bytes: Uint8Array<ArrayBuffer>,
  rowElements: number,
  rows: Uint32Array,
  onMisfit: OnMisfit,
): boolean {
  if (!(values instanceof Float64Array || values instanceof Float32Array) || column.shape.length > 0) return false;
  if (column.datatype === 'FP64') {
    const target = new Float64Array(bytes.buffer);
    for (let i = 0, at = column.offset; i < rows.length; i++, at += rowElements)
      target[at] = values[rows[i] ?? 0] ?? NaN;
    return true;
  }
  if (column.datatype !== 'FP32') return false;
  const target = new Float32Array(bytes.buffer);
  for (let i = 0, at = column.offset; i < rows.length; i++, at += rowElements) {
    const value = values[rows[i] ?? 0] ?? NaN;
    target[at] = value;
    // Infinite only if it was meant so.
    if (!Number.isFinite(target[at]) && Number.isFinite(value)) onMisfit(rows[i] ?? 0, column.name, misfit(column));
  }
  return true;
}

function storeCells(
  values: Values,
  column: Column,
  shape: readonly number[],
  store: ElementStore,
  rowElements: number,
  rows: Uint32Array,
  onMisfit: OnMisfit,
): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const cell = values[row];
    if (cell === undefined) onMisfit(row, column.name, missingValue);
    else if (!storeCell(cell, shape, i * rowElements + column.offset, store)) {
      const isMissing = cell === null && shape.length === 0;
      onMisfit(row, column.name, isMissing ? missingValue : misfit(column));
    }
  }
}

function storeCell(cell: Cell, shape: readonly number[], at: number, store: ElementStore): boolean {
  if (shape.length === 0) {
    // A column of [-1, 1] may come as lists of one.
    const single = Array.isArray(cell) && cell.length === 1 ? (cell[0] as Cell) : cell;
    return store(at, single);
  }
  let next = at;
  const walk = (value: Cell, depth: number): boolean => {
    if (depth === shape.length) return store(next++, value);
    if (!Array.isArray(value) || value.length !== shape[depth]) return false;
    return (value as readonly Cell[]).every((element) => walk(element, depth + 1));
  };
  return walk(cell, 0);
}

function isAbsent(values: Values | undefined, rows: Uint32Array): boolean {
  return values === undefined || rows.every((row) => values[row] === undefined);
}

/** What varies in a shape follows from the first row that has a list; the others must agree. */
function resolveShape(shape: readonly number[], values: Values | undefined, rows: Uint32Array): number[] {
  const row = rows.find((each) => Array.isArray(values?.[each]));
  let value: Cell | undefined = row === undefined ? undefined : values?.[row];
  return shape.map((size) => {
    const length = Array.isArray(value) ? value.length : 0;
    value = Array.isArray(value) ? (value[0] as Cell | undefined) : undefined;
    return size === -1 ? length : size;
  });
}
