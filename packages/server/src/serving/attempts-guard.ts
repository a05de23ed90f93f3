import type { IncomingMessage, ServerResponse } from 'node:http';
import { MusterError } from '@muster-ml/protocol';
import type { Attempts } from './attempts.ts';
import type { ServingLog } from './serving-log.ts';
import { prefixOf } from './source.ts';

export interface AttemptsGuardOptions {
  readonly attempts: Attempts;
  /** Where a request came from. */
  readonly sourceOf: (request: IncomingMessage) => string;
  /** An unknown token came from there. */
  readonly onUnknown: (sourcePrefix: string) => void;
  /** One was answered with 429. */
  readonly onRefused: () => void;
  readonly log: ServingLog;
}

/** What every face asks before it answers with an error. */
export interface AttemptsGuard {
  /**
   * The error to answer with: the same one, unless it is about an unknown token and its source has sent too many of
   * them: then `too_many_attempts`, and the connection ends with the answer, so that the next guess costs a new one.
   * A missing token is no guess, and neither is an expired one: it was right once.
   */
  judge(request: IncomingMessage, response: ServerResponse, error: MusterError): MusterError;
}

export function createAttemptsGuard(options: AttemptsGuardOptions): AttemptsGuard {
  return {
    judge: (request, response, error) => {
      if (error.code !== 'token_invalid') return error;
      const source = options.sourceOf(request);
      options.onUnknown(prefixOf(source));
      const waitMs = options.attempts.failed(source);
      if (waitMs === undefined) return error;
      options.onRefused();
      response.shouldKeepAlive = false;
      options.log.debug({ source: prefixOf(source), waitMs }, 'unknown tokens are being tried');
      return new MusterError('too_many_attempts', 'too many unknown tokens came from this address', {
        retryAfterSeconds: waitMs / 1000,
      });
    },
  };
}
