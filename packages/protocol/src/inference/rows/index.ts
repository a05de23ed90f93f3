export type { Cell, Row } from './cell.ts';
export { type RowPlace, encodeRows } from './encode-rows.ts';
export { nearestName } from './nearest-name.ts';
export { csvField, predictionsCsv, predictionsJson } from './predictions.ts';
export { readJsonRows, unknownField } from './read-json-rows.ts';
export { type Column, type RowPlan, exampleRow, isFloat, rowPlan } from './row-plan.ts';
export { textCell } from './text-cell.ts';
