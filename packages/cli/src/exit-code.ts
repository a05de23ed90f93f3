import type { ErrorKind } from '@muster-ml/protocol';
import { Interrupted } from './interrupted.ts';
import { UsageError } from './usage-error.ts';

/** What the exit codes mean; scripts rely on them, so they never change their meaning. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  signIn: 4,
  forbidden: 5,
  notFound: 6,
  conflict: 7,
  unreachable: 9,
  usage: 64,
  interrupted: 130,
} as const;

const ofKind: Readonly<Record<ErrorKind, number>> = {
  invalid: exitCodes.failure,
  too_large: exitCodes.failure,
  unauthenticated: exitCodes.signIn,
  forbidden: exitCodes.forbidden,
  not_found: exitCodes.notFound,
  conflict: exitCodes.conflict,
  failed_precondition: exitCodes.failure,
  exhausted: exitCodes.failure,
  deadline_exceeded: exitCodes.failure,
  unavailable: exitCodes.unreachable,
  unimplemented: exitCodes.failure,
  internal: exitCodes.failure,
};

/** The exit code of a command that ended with this error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof Interrupted) return exitCodes.interrupted;
  // By its shape and not its class: the class comes with all schemas, which help and version must not wait for.
  if (error instanceof Error && 'kind' in error && typeof error.kind === 'string' && Object.hasOwn(ofKind, error.kind))
    return ofKind[error.kind as ErrorKind];
  return exitCodes.failure;
}
