export type { Cell, Row } from './cell.ts';
export { type RowPlace, encodeRows } from './encode-rows.ts';
export { type ElementStore, elementStore } from './element-store.ts';
export { nearestName } from './nearest-name.ts';
export { csvField, predictionsCsv, predictionsJson, invocationPredictions } from './predictions.ts';
export { readJsonRows, unknownField } from './read-json-rows.ts';
export { type InvocationBody, readInvocationRows, tableRows } from './read-invocation-rows.ts';
export { type Column, type RowPlan, exampleRow, hasRowDim, isFloat, rowPlan } from './row-plan.ts';
export { textCell } from './text-cell.ts';
