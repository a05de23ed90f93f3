import type { IncomingMessage, ServerResponse } from 'node:http';
import { MusterError } from '@muster-ml/protocol';
import type { AttemptsGuard } from './attempts-guard.ts';

/** What becomes of an answer of control. */
export interface JudgedAnswer {
  /** It goes out as it is; `body` is the whole body where it was read already. */
  pass(body: Buffer | undefined): void;
  /** The caller gets this instead. */
  refuse(error: MusterError): void;
}

/** An answer that says why a token was refused is small; of a longer one no more is read. */
const maxBytes = 64 * 1024;

/** Refusals that are no guesses, as control names them. */
const noGuess: ReadonlySet<unknown> = new Set(['token_missing', 'token_expired']);

/**
 * Counts the guesses among the requests that control decides about: a 401 to a request that brought credentials,
 * unless the answer says that there was no token in them, or one that expired. An answer that does not say why (it is in another protocol's
 * form, or belongs to a HEAD) counts, or guessing would go on where it does not.
 */
export function judgeRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  answer: IncomingMessage,
  attempts: AttemptsGuard,
  outcome: JudgedAnswer,
): void {
  if (answer.statusCode !== 401 || request.headers.authorization === undefined) {
    outcome.pass(undefined);
    return;
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > maxBytes) answer.destroy();
    else parts.push(part);
  });
  answer.on('error', () => undefined);
  answer.once('close', () => {
    if (response.destroyed || response.headersSent) return;
    const body = Buffer.concat(parts);
    const unknown = new MusterError('token_invalid', 'the token is not known here');
    const judged = noGuess.has(codeOf(body)) ? unknown : attempts.judge(request, response, unknown);
    if (answer.complete && judged.code === 'token_invalid') outcome.pass(body);
    else outcome.refuse(judged);
  });
}

function codeOf(body: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && 'code' in value ? value.code : undefined;
  } catch {
    return undefined;
  }
}
