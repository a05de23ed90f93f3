import { type ErrorCode, catalogue } from './catalogue.ts';
import type { ErrorKind } from './kind.ts';

export interface MusterErrorOptions {
  /** What to do, where it is more exact than the catalogue's sentence. */
  readonly remedy?: string;
  /** Where in the input the error is: a JSON path (`inputs[0].shape`), a header, or `file:line:column`. */
  readonly place?: string;
  /** Machine-readable facts; never secrets, never personal data. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Seconds after which a repeat makes sense (429, 503). */
  readonly retryAfterSeconds?: number;
  /** Where another process answered with this error: the id of that request in its logs. */
  readonly requestId?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of Muster. `message` says what happened, with the user's names and values in it;
 * `remedy` says what to do. Anything else that is thrown is a bug and is shown as `internal_error`.
 */
export class MusterError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly title: string;
  readonly remedy: string;
  readonly place: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, message: string, options: MusterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const entry = catalogue[code];
    this.name = 'MusterError';
    this.code = code;
    this.kind = entry.kind;
    this.title = entry.title;
    this.remedy = options.remedy ?? entry.remedy;
    this.place = options.place;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.requestId = options.requestId;
  }
}

/** Turns anything that was thrown into a `MusterError`; a stranger becomes `internal_error` with itself as the cause. */
export function toMusterError(thrown: unknown): MusterError {
  if (thrown instanceof MusterError) return thrown;
  return new MusterError('internal_error', 'something went wrong inside Muster', { cause: thrown });
}
