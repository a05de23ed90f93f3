import { MusterError } from '../../errors/muster-error.ts';
import { packByteElements } from '../byte-elements.ts';
import { quoteName } from '../shape.ts';
import { type Tensor, datatypeSizes } from '../tensor.ts';
import type { Cell, Row } from './cell.ts';
import { type ElementStore, elementStore } from './element-store.ts';
import { type Column, type RowPlan, hasRowDim, isFloat } from './row-plan.ts';

/** Where rows come from, for messages: row 0 of JSON is `rows[0]`, that of CSV is line 2. */
export type RowPlace = (row: number) => string;

/**
 * Makes a model's inputs of the rows from `start` to `stop`. Throws `invalid_rows` naming row and field: a field that
 * is missing, a value of the wrong kind, out of range, or of another shape than the field or the rows before have.
 */
export function encodeRows(
  plan: RowPlan,
  rows: readonly Row[],
  start: number,
  stop: number,
  place: RowPlace,
): Tensor[] {
  const tensors: Tensor[] = [];
  const columnsOf = Map.groupBy(plan.columns.keys(), (index) => plan.columns[index]?.input ?? 0);
  for (const [input, indexes] of columnsOf) {
    const tensor = encodeInput(plan, input, indexes, rows, start, stop, place);
    if (tensor !== undefined) tensors.push(tensor);
  }
  return tensors;
}

function encodeInput(
  plan: RowPlan,
  input: number,
  indexes: readonly number[],
  rows: readonly Row[],
  start: number,
  stop: number,
  place: RowPlace,
): Tensor | undefined {
  const spec = plan.signature.inputs[input];
  const first = plan.columns[indexes[0] ?? -1];
  if (spec === undefined || first === undefined) return undefined;
  if (first.isOptional && !rows.slice(start, stop).some((row) => row[indexes[0] ?? -1] !== undefined)) return undefined;

  // What varies in the shape follows from the first row that has a value; the others must agree.
  const shape = first.shape.includes(-1) ? resolveShape(first.shape, rows[start]?.[indexes[0] ?? -1]) : first.shape;
  const rowElements = indexes.length > 1 ? indexes.length : shape.reduce((product, size) => product * size, 1);
  const count = (stop - start) * rowElements;
  const texts: Uint8Array[] | undefined = spec.datatype === 'BYTES' ? new Array<Uint8Array>(count) : undefined;
  const bytes = new Uint8Array(count * datatypeSizes[spec.datatype]);
  const store = elementStore(spec.datatype, bytes, texts, spec.nullable === true);
  for (let row = start; row < stop; row++) {
    const cells = rows[row] ?? [];
    for (const index of indexes) {
      const column = plan.columns[index];
      if (column === undefined) continue;
      const cell = cells[index];
      if (cell === undefined) throw misfit(column, row, place, 'is missing');
      storeCell(cell, column, shape, (row - start) * rowElements + column.offset, store, row, place);
    }
  }
  const dims = spec.shape
    .slice(hasRowDim(spec) ? 1 : 0)
    .map((size, index) => (size === -1 ? (shape[index] ?? 0) : size));
  return {
    name: spec.name,
    datatype: spec.datatype,
    shape: hasRowDim(spec) ? [stop - start, ...dims] : dims,
    bytes: texts === undefined ? bytes : packByteElements(texts),
  };
}

function storeCell(
  cell: Cell,
  column: Column,
  shape: readonly number[],
  at: number,
  store: ElementStore,
  row: number,
  place: RowPlace,
): void {
  if (shape.length === 0) {
    // A caller who takes [-1, 1] at its word sends a list of one.
    const single =
      Array.isArray(cell) && cell.length === 1 ? (cell[0] as Cell) : (cell as Exclude<Cell, readonly Cell[]>);
    if (!store(at, single)) throw misfit(column, row, place, `is not ${wanted(column)}`);
    return;
  }
  let next = at;
  const walk = (value: Cell, depth: number): void => {
    if (depth === shape.length) {
      if (!store(next++, value)) throw misfit(column, row, place, `has an element that is not ${wanted(column)}`);
      return;
    }
    const size = shape[depth];
    if (!Array.isArray(value) || value.length !== size) {
      const full = `[${shape.join(',')}]`;
      const varies = column.shape.includes(-1) ? ', as the first row has it' : '';
      throw misfit(column, row, place, `is not nested lists of shape ${full}${varies}`);
    }
    for (const element of value as readonly Cell[]) walk(element, depth + 1);
  };
  walk(cell, 0);
}

function resolveShape(shape: readonly number[], cell: Cell | undefined): number[] {
  let value: Cell | undefined = cell;
  return shape.map((size) => {
    const length = Array.isArray(value) ? value.length : 0;
    value = Array.isArray(value) ? (value[0] as Cell | undefined) : undefined;
    return size === -1 ? length : size;
  });
}

function wanted({ datatype }: Column): string {
  if (datatype === 'BYTES') return 'text';
  if (datatype === 'BOOL') return 'true or false';
  return isFloat(datatype) ? `a number in the range of ${datatype}` : `an integer in the range of ${datatype}`;
}

function misfit(column: Column, row: number, place: RowPlace, what: string): MusterError {
  const at = `${place(row)}.${column.name}`;
  return new MusterError('invalid_rows', `${place(row)}: ${quoteName(column.name)} ${what}`, { place: at });
}
