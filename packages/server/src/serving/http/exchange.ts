import type { IncomingMessage, ServerResponse } from 'node:http';
import { type MusterError, httpStatusOfKind, toMusterError } from '@muster-ml/protocol';
import type { Cancellation, EndpointCall, Face, FaceDependencies, Observation } from '../faces.ts';
import type { RoutedDeployment } from '../routing-table.ts';
import type { BodyBudget } from './body-budget.ts';
import { requestIdOf } from './request-id.ts';

/** How a face writes an error. */
export type ErrorRenderer = (
  error: MusterError,
  status: number,
  requestId: string,
) => { readonly contentType: string; readonly body: string };

/**
 * What of a refused body is read, and dropped, before the connection closes: simple clients send all of it before they
 * look at the answer, and would see a reset instead.
 */
const drainBytes = 64 * 1024 * 1024;
const drainMs = 5000;

/**
 * One request and its answer, from the head to the last byte: keeps what is observed about it, answers once, and knows
 * when the caller went away. One object a request; the hot path makes little else.
 */
export class Exchange implements Cancellation {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly face: Face;
  operation = 'unknown';
  endpoint: string | undefined;
  call: EndpointCall | undefined;
  deployment: RoutedDeployment | undefined;
  rows = 0;
  requestBytes = 0;
  runMicros = 0;
  queueMicros = 0;

  readonly #dependencies: FaceDependencies;
  readonly #budget: BodyBudget;
  readonly #render: ErrorRenderer;
  readonly #startedMs = performance.now();
  #heldBytes = 0;
  #isAnswered = false;
  #isCancelled = false;
  #cancelCallback: (() => void) | undefined;
  #slowReader: NodeJS.Timeout | undefined;

  constructor(
    face: Face,
    request: IncomingMessage,
    response: ServerResponse,
    dependencies: FaceDependencies,
    budget: BodyBudget,
    render: ErrorRenderer,
  ) {
    this.face = face;
    this.request = request;
    this.response = response;
    this.requestId = requestIdOf(request.headers['x-request-id'], dependencies.newRequestId);
    this.#dependencies = dependencies;
    this.#budget = budget;
    this.#render = render;
    response.on('close', () => this.#closed());
    // A socket that breaks while an answer is written; `close` follows.
    response.on('error', () => undefined);
  }

  get cancelled(): boolean {
    return this.#isCancelled;
  }

  onCancel(callback: (() => void) | undefined): void {
    this.#cancelCallback = callback;
  }

  /** Counts bytes that are held for this request until its answer is through. Throws `queue_full`. */
  hold(bytes: number): void {
    this.#budget.reserve(bytes, this.#heldBytes);
    this.#heldBytes += bytes;
  }

  letGo(bytes: number): void {
    this.#budget.release(bytes);
    this.#heldBytes -= bytes;
  }

  /** Answers with a whole body. `headers` are name and value in turns. */
  send(status: number, contentType: string, body: string | Uint8Array, headers?: readonly string[]): void {
    if (this.#isAnswered || this.#isCancelled) return;
    const size = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    this.#writeHead(status, contentType, size, headers);
    // Plain ASCII needs no encoder: it is written with the head in one piece, a byte a character.
    if (size === body.length && typeof body === 'string') this.response.end(body, 'latin1');
    else this.response.end(body);
    this.#answered(status, undefined, size);
  }

  /** Answers 200 with JSON. */
  sendJson(body: string): void {
    this.send(200, 'application/json', body);
  }

  /** Answers with an error, in the face's form. */
  fail(thrown: unknown): void {
    if (this.#isAnswered || this.#isCancelled) return;
    const error = this.#dependencies.attempts.judge(this.request, this.response, toMusterError(thrown));
    const status = statusOf(error);
    const { contentType, body } = this.#render(error, status, this.requestId);
    const size = Buffer.byteLength(body);
    const headers: string[] = [];
    if (status === 429 || status === 503)
      headers.push('Retry-After', String(Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1))));
    if (status === 401) headers.push('WWW-Authenticate', 'Bearer realm="muster"');
    for (const [detail, name] of detailHeaders) {
      const value = error.details[detail];
      if (typeof value === 'string') headers.push(name, value);
    }
    const isUnread = !this.request.complete;
    const mustClose =
      isUnread && (hasLargeBody(this.request) || error.code === 'body_too_slow' || error.code === 'too_many_attempts');
    if (mustClose) headers.push('Connection', 'close');
    this.#writeHead(status, contentType, size, headers);
    if (mustClose) this.#drain(body);
    else this.response.end(body);
    if (isUnread && !mustClose) this.#limitRest();
    this.#answered(status, error, size);
  }

  #writeHead(status: number, contentType: string, size: number, headers: readonly string[] | undefined): void {
    const all = ['Content-Type', contentType, 'Content-Length', String(size), 'X-Request-Id', this.requestId];
    if (headers !== undefined) for (const header of headers) all.push(header);
    this.response.writeHead(status, all);
  }

  /** Sends the whole answer at once but closes only after reading on for a while. */
  #drain(body: string): void {
    const { request, response } = this;
    response.write(body);
    let drained = 0;
    const close = (): void => {
      clearTimeout(timer);
      request.removeListener('data', count);
      if (!response.writableEnded) response.end();
    };
    const count = (chunk: Uint8Array): void => {
      drained += chunk.length;
      if (drained > drainBytes) close();
    };
    const timer = setTimeout(close, drainMs);
    request.on('data', count);
    request.once('end', close);
    request.once('close', close);
    request.resume();
  }

  /** Node reads on over the small rest of a body by itself, for as long as that takes: here it may take as long as any body. */
  #limitRest(): void {
    const { request } = this;
    const timer = setTimeout(() => request.socket.destroy(), this.#dependencies.limits.bodyTimeoutMs);
    timer.unref();
    request.once('close', () => clearTimeout(timer));
  }

  #answered(status: number, error: MusterError | undefined, responseBytes: number): void {
    this.#isAnswered = true;
    this.#cancelCallback = undefined;
    if (this.response.writableLength > 0 && responseBytes > 65_536) {
      // A caller that does not read its answer would hold the memory of it for ever.
      this.#slowReader = setTimeout(() => this.response.destroy(), this.#dependencies.limits.bodyTimeoutMs);
      this.#slowReader.unref();
    }
    this.#observe(status, error, responseBytes);
  }

  #closed(): void {
    clearTimeout(this.#slowReader);
    if (this.#heldBytes > 0) this.letGo(this.#heldBytes);
    if (this.#isAnswered) return;
    this.#isCancelled = true;
    const callback = this.#cancelCallback;
    this.#cancelCallback = undefined;
    this.#observe(499, undefined, 0);
    callback?.();
  }

  #observe(status: number, error: MusterError | undefined, responseBytes: number): void {
    const observation: Observation = {
      face: this.face,
      requestId: this.requestId,
      method: this.request.method ?? '',
      operation: this.operation,
      endpoint: this.endpoint,
      call: this.call,
      deployment: this.deployment,
      status,
      code: status === 499 ? 'request_cancelled' : error?.code,
      cause: error?.kind === 'internal' ? (error.cause ?? error) : undefined,
      rows: this.rows,
      requestBytes: this.requestBytes,
      responseBytes,
      durationMs: performance.now() - this.#startedMs,
      runMicros: this.runMicros,
      queueMicros: this.queueMicros,
    };
    this.#dependencies.observer.observe(observation);
  }
}

/** Facts of an error that HTTP has a header for. */
const detailHeaders = [
  ['allow', 'Allow'],
  ['accept', 'Accept'],
  ['acceptEncoding', 'Accept-Encoding'],
] as const;

/** HTTP status of an error. What belongs to the transport has a status of its own; the rest goes by kind. */
function statusOf(error: MusterError): number {
  switch (error.code) {
    case 'method_not_allowed':
      return 405;
    case 'body_too_slow':
      return 408;
    case 'unsupported_media_type':
      return 415;
    default:
      return httpStatusOfKind[error.kind];
  }
}

/**
 * Whether more of a body may follow than is worth reading: then the connection closes, because the next request on it
 * begins behind that body. Node reads on over a small one by itself.
 */
function hasLargeBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 65_536;
}
