import { MusterError, giveBack } from '@muster-ml/protocol';
import { type ContentCoding, contentCodingOf, inflateBody, maxInflation } from './content-coding.ts';
import type { Exchange } from './exchange.ts';

export interface BodyLimits {
  /** Most bytes of the body as it is sent and as it is inflated. */
  readonly maxBytes: number;
  /** Longest time in which all of it must have arrived. */
  readonly timeoutMs: number;
}

/**
 * Reads a request's whole body, inflated where it is encoded. What is too large is refused as soon as that is known: by
 * its announced length, or when the byte too many arrives. Throws `body_too_large`, `body_too_slow`,
 * `unsupported_media_type`, `queue_full`, `request_cancelled`, `invalid_request`.
 */
export function readBody(exchange: Exchange, limits: BodyLimits): Promise<Uint8Array> {
  const { headers } = exchange.request;
  const coding = contentCodingOf(headers['content-encoding']);
  const announced = Number(headers['content-length'] ?? 0);
  if (announced > limits.maxBytes) throw tooLarge(announced, limits.maxBytes);
  const body = collect(exchange, limits);
  return coding === undefined ? body : body.then((encoded) => inflate(exchange, encoded, coding, limits));
}

async function inflate(
  exchange: Exchange,
  body: Uint8Array,
  coding: ContentCoding,
  limits: BodyLimits,
): Promise<Uint8Array> {
  // Held before it is known how large it becomes: many small bombs are as bad as a large one.
  const most = Math.min(limits.maxBytes, body.length * maxInflation + 64);
  exchange.hold(most);
  const inflated = await inflateBody(body, coding, limits.maxBytes);
  if (inflated.length < most && !exchange.cancelled) exchange.letGo(most - inflated.length);
  return inflated;
}

function collect(exchange: Exchange, limits: BodyLimits): Promise<Uint8Array> {
  const { request } = exchange;
  return new Promise((resolve, reject) => {
    let first: Uint8Array | undefined;
    let more: Uint8Array[] | undefined;
    let size = 0;
    let timer: NodeJS.Timeout | undefined;
    // Most bodies come with their heads and are whole before this turn ends: they need no timer.
    const unfinished = setImmediate(() => {
      timer = setTimeout(() => stop(tooSlow(limits.timeoutMs)), limits.timeoutMs);
    });
    const stopTimer = (): void => {
      clearImmediate(unfinished);
      clearTimeout(timer);
    };

    const stop = (error: MusterError): void => {
      stopTimer();
      request.removeListener('data', take);
      request.removeListener('end', finish);
      request.removeListener('close', cancel);
      // What has come so far is garbage now, also while the refused rest is drained.
      first = undefined;
      more = undefined;
      exchange.requestBytes = size;
      reject(error);
    };
    const take = (chunk: Uint8Array): void => {
      size += chunk.length;
      if (size > limits.maxBytes) {
        stop(tooLarge(undefined, limits.maxBytes));
        return;
      }
      try {
        exchange.hold(chunk.length);
      } catch (error) {
        stop(error as MusterError);
        return;
      }
      if (first === undefined) first = chunk;
      else (more ??= [first]).push(chunk);
    };
    const finish = (): void => {
      stopTimer();
      request.removeListener('close', cancel);
      exchange.requestBytes = size;
      if (more === undefined) {
        resolve(first ?? new Uint8Array(0));
        return;
      }
      const whole = Buffer.concat(more, size);
      for (const chunk of more) giveBack(chunk);
      resolve(whole);
    };
    const cancel = (): void =>
      stop(new MusterError('request_cancelled', 'the caller went away while the body was read'));
    request.on('data', take);
    request.on('end', finish);
    request.on('close', cancel);
    // `close` follows; without a listener the error would end the process.
    request.on('error', ignore);
  });
}

function ignore(): void {}

function tooLarge(bytes: number | undefined, maxBytes: number): MusterError {
  const size = bytes === undefined ? 'the body' : `the body has ${bytes} bytes and`;
  const message =
    bytes === undefined
      ? `${size} is larger than the ${maxBytes} bytes that this endpoint takes`
      : `${size} is larger than the ${maxBytes} that this endpoint takes`;
  return new MusterError('body_too_large', message, {
    place: 'body',
    remedy: "Send less at once, or raise the endpoint's limit bodyBytes.",
  });
}

function tooSlow(timeoutMs: number): MusterError {
  return new MusterError('body_too_slow', `the body had not arrived after ${timeoutMs} ms`, { place: 'body' });
}
