import { type ErrorKind, type MusterError, httpStatusOfKind, toProblem } from '@muster-ml/protocol';
import { invocationOperation, renderInvocationError } from './invocations/http.ts';
import { renderOipError } from './oip/http.ts';

/** An error as it goes out. */
export interface RenderedError {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** MLflow's codes, as its own clients match them. */
const mlflowCodes: Readonly<Record<ErrorKind, string>> = {
  invalid: 'INVALID_PARAMETER_VALUE',
  too_large: 'INVALID_PARAMETER_VALUE',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  conflict: 'RESOURCE_ALREADY_EXISTS',
  failed_precondition: 'INVALID_STATE',
  exhausted: 'REQUEST_LIMIT_EXCEEDED',
  deadline_exceeded: 'TEMPORARILY_UNAVAILABLE',
  unavailable: 'TEMPORARILY_UNAVAILABLE',
  unimplemented: 'NOT_IMPLEMENTED',
  internal: 'INTERNAL_ERROR',
};

/** Renders an error in the format of the protocol that the path belongs to: inference clients', MLflow's, or problem+json. */
export function renderForCaller(path: string, error: MusterError, requestId: string): RenderedError {
  const status = httpStatusOfKind[error.kind];
  if (isUnder(path, '/v2')) return { status, ...renderOipError(error, status, requestId) };
  if (invocationOperation(path) !== undefined) return { status, ...renderInvocationError(error, status, requestId) };
  if (isUnder(path, '/api/2.0/mlflow') || isUnder(path, '/api/2.0/mlflow-artifacts') || isUnder(path, '/ajax-api')) {
    return {
      status,
      contentType: 'application/json',
      body: JSON.stringify({ error_code: mlflowCodes[error.kind], message: `${error.message}. ${error.remedy}` }),
    };
  }
  return { status, contentType: 'application/problem+json', body: JSON.stringify(toProblem(error, requestId)) };
}

function isUnder(path: string, prefix: string): boolean {
  const next = path[prefix.length];
  return path.startsWith(prefix) && (next === undefined || next === '/' || next === '?');
}
