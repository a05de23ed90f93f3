export { type ErrorCode, catalogue } from './catalogue.ts';
export { type CatalogueEntry, type ErrorKind, errorKinds } from './kind.ts';
export { MusterError, type MusterErrorOptions, toMusterError } from './muster-error.ts';
export { type Problem, fromProblem, httpStatusOfKind, problemSchema, toProblem } from './problem.ts';
