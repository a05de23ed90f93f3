import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
  Agent as PlainAgent,
} from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { TLSSocket } from 'node:tls';
import { MusterError } from '@muster-ml/protocol';
import { renderForCaller } from './caller-error.ts';
import { parseControlAddress } from './control-address.ts';
import { createTrust, forwardedRequestHeaders, forwardedResponseHeaders } from './forward-headers.ts';
import { requestIdOf } from './http/request-id.ts';
import type { ServingLog } from './serving-log.ts';

export interface ForwarderOptions {
  /** Where control listens: `unix:/path` or `http(s)://host:port`. */
  readonly control: string;
  /** Addresses and ranges whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** Requests that are forwarded at once. Each holds a bounded piece of its body, so this caps the bytes in flight. */
  readonly maxRequests: number;
  /** Longest time in which nothing moves, in either direction; event streams may be silent. */
  readonly idleTimeoutMs: number;
  readonly newRequestId: () => string;
  readonly log: ServingLog;
  /** A forwarded request was answered with this status. */
  readonly onForwarded: (status: number) => void;
}

export interface Forwarder {
  /** Hands a request on to control, streaming both ways. */
  forward(request: IncomingMessage, response: ServerResponse): void;
  /** Requests under way. */
  readonly inFlight: number;
  /** Closes the connections to control that are idle. */
  stop(): void;
}

/** What is read of a body behind an early answer: simple callers send all of it before they look at the answer. */
const lingerMs = 5000;
const lingerBytes = 64 * 1024 * 1024;

/** Forwards everything that is no prediction to control, and answers for it when it is down. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const control = parseControlAddress(options.control);
  const settings = { keepAlive: true, maxSockets: options.maxRequests, scheduling: 'lifo' } as const;
  const agent: Agent = options.control.startsWith('https:') ? new SecureAgent(settings) : new PlainAgent(settings);
  const isTrusted = createTrust(options.trustedProxies);
  let inFlight = 0;

  const send = (request: IncomingMessage, response: ServerResponse, requestId: string, isRetry: boolean): void => {
    const sender = { address: request.socket.remoteAddress, isTls: request.socket instanceof TLSSocket };
    const headers = forwardedRequestHeaders(request.rawHeaders, sender, isTrusted(sender.address), requestId);
    const upstream = control.request({
      method: request.method,
      path: request.url,
      headers,
      agent,
      timeout: options.idleTimeoutMs,
    });
    const abandon = (): void => {
      upstream.destroy();
    };
    response.once('close', abandon);
    upstream.on('timeout', () =>
      upstream.destroy(
        new MusterError('control_unavailable', 'control took too long to answer', { retryAfterSeconds: 1 }),
      ),
    );
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (response.destroyed || response.writableEnded) return;
      if (response.headersSent) {
        // The answer broke off: the caller must not take what it has for the whole.
        response.destroy();
        return;
      }
      response.removeListener('close', abandon);
      const hasBody =
        request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
      // A kept connection that control closed at this moment: nothing was read there, and nothing of ours is lost.
      if (
        upstream.reusedSocket &&
        error.code === 'ECONNRESET' &&
        !isRetry &&
        !hasBody &&
        (request.method === 'GET' || request.method === 'HEAD')
      ) {
        send(request, response, requestId, true);
        return;
      }
      options.log.debug({ requestId, problem: error.message }, 'control did not answer');
      const refusal =
        error instanceof MusterError
          ? error
          : new MusterError('control_unavailable', 'the control plane does not answer', { retryAfterSeconds: 1 });
      refuse(request, response, refusal, requestId);
    });
    upstream.on('response', (answer) => relay(request, response, upstream, answer));
    pour(request, upstream);
  };

  const relay = (
    request: IncomingMessage,
    response: ServerResponse,
    upstream: ClientRequest,
    answer: IncomingMessage,
  ): void => {
    const status = answer.statusCode ?? 502;
    const headers = forwardedResponseHeaders(answer.rawHeaders);
    // An answer before the end of the body: the rest of the body would be taken for the next request.
    if (!request.complete) headers.push('Connection', 'close');
    if (answer.headers['content-type']?.startsWith('text/event-stream') === true) upstream.setTimeout(0);
    response.writeHead(status, headers);
    response.flushHeaders();
    answer.on('error', () => response.destroy());
    answer.on('aborted', () => response.destroy());
    answer.pipe(response, { end: false });
    answer.once('end', () => {
      if (request.complete) response.end();
      else linger(request, response);
    });
    options.onForwarded(status);
  };

  const refuse = (request: IncomingMessage, response: ServerResponse, error: MusterError, requestId: string): void => {
    const { status, contentType, body } = renderForCaller(request.url ?? '', error, requestId);
    const headers = [
      'Content-Type',
      contentType,
      'Content-Length',
      String(Buffer.byteLength(body)),
      'X-Request-Id',
      requestId,
    ];
    if (error.retryAfterSeconds !== undefined) headers.push('Retry-After', String(error.retryAfterSeconds));
    const isUnread = !request.complete;
    if (isUnread) headers.push('Connection', 'close');
    response.writeHead(status, headers);
    options.onForwarded(status);
    if (isUnread) {
      response.write(body);
      linger(request, response);
    } else response.end(body);
  };

  return {
    forward: (request, response) => {
      const requestId = requestIdOf(request.headers['x-request-id'], options.newRequestId);
      response.on('error', () => undefined);
      if (isInternal(request.url ?? '')) {
        refuse(
          request,
          response,
          new MusterError('route_not_found', `there is no route ${request.method} here`),
          requestId,
        );
        return;
      }
      if (inFlight >= options.maxRequests) {
        refuse(
          request,
          response,
          new MusterError('queue_full', `${inFlight} requests to the control plane are under way`, {
            retryAfterSeconds: 1,
          }),
          requestId,
        );
        return;
      }
      inFlight += 1;
      response.once('close', () => {
        inFlight -= 1;
      });
      send(request, response, requestId, false);
    },
    get inFlight() {
      return inFlight;
    },
    stop: () => agent.destroy(),
  };
}

/** Sends the body on as it arrives; a caller that breaks off breaks the request to control off too. */
function pour(request: IncomingMessage, upstream: ClientRequest): void {
  if (request.complete && request.readableLength === 0) {
    upstream.end();
    return;
  }
  request.on('error', () => upstream.destroy());
  request.pipe(upstream);
}

/** Closes only after reading on for a while behind an answer that is whole, so that the caller sees it and not a reset. */
function linger(request: IncomingMessage, response: ServerResponse): void {
  let read = 0;
  const close = (): void => {
    clearTimeout(timer);
    if (!response.writableEnded) response.end();
  };
  const timer = setTimeout(close, lingerMs);
  request.unpipe();
  request.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > lingerBytes) close();
  });
  request.once('end', close);
  request.once('close', close);
  request.resume();
}

/** Control's routes for gateways are on the same socket; nobody reaches them from outside, however the path is written. */
function isInternal(url: string): boolean {
  const [path = ''] = url.split(/[?#]/, 1);
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // Not decodable: control will say so.
  }
  return (
    /^\/*internal(\/|$)/i.test(decoded.replaceAll('\\', '/').replaceAll(/\/\.\.?(?=\/|$)/g, '')) ||
    /^https?:/i.test(path)
  );
}
