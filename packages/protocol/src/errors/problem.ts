import { z } from 'zod';
import { type ErrorCode, catalogue } from './catalogue.ts';
import type { ErrorKind } from './kind.ts';
import { MusterError } from './muster-error.ts';

/** HTTP status of each kind, for every face that speaks HTTP. */
export const httpStatusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  too_large: 413,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  failed_precondition: 412,
  exhausted: 429,
  deadline_exceeded: 504,
  unavailable: 503,
  unimplemented: 501,
  internal: 500,
};

/** `application/problem+json` (RFC 9457) as the management API answers it, and as processes hand errors to each other. */
export const problemSchema = z.object({
  type: z.string(),
  code: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  remedy: z.string(),
  place: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  requestId: z.string().optional(),
});

export type Problem = z.infer<typeof problemSchema>;

/** Renders an error as a problem document; `requestId` lets a user's report be found in the logs. */
export function toProblem(error: MusterError, requestId?: string): Problem {
  return {
    type: `urn:muster:error:${error.code}`,
    code: error.code,
    title: error.title,
    status: httpStatusOfKind[error.kind],
    detail: error.message,
    remedy: error.remedy,
    ...(error.place === undefined ? {} : { place: error.place }),
    ...(Object.keys(error.details).length === 0 ? {} : { details: { ...error.details } }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** The error that a problem document stands for; an unknown code (a newer server's) becomes `internal_error`. */
export function fromProblem(problem: Problem): MusterError {
  const code: ErrorCode = Object.hasOwn(catalogue, problem.code) ? (problem.code as ErrorCode) : 'internal_error';
  return new MusterError(code, problem.detail, {
    remedy: problem.remedy,
    ...(problem.place === undefined ? {} : { place: problem.place }),
    ...(problem.details === undefined ? {} : { details: problem.details }),
    ...(problem.requestId === undefined ? {} : { requestId: problem.requestId }),
  });
}
