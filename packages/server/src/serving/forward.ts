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
import type { AttemptsGuard } from './attempts-guard.ts';
import { parseControlAddress } from './control-address.ts';
import { forwardedRequestHeaders, forwardedResponseHeaders } from './forward-headers.ts';
import { linger, refuseRequest } from './forward-refusal.ts';
import { judgeRefusal } from './forward-unauthenticated.ts';
import { requestIdOf } from './http/request-id.ts';
import type { ServingLog } from './serving-log.ts';

export interface ForwarderOptions {
  /** Where control listens: `unix:/path` or `http(s)://host:port`. */
  readonly control: string;
  /** Whether an address is that of a proxy whose `X-Forwarded-*` are believed. */
  readonly isTrusted: (address: string | undefined) => boolean;
  /** Counts the tokens that control does not know. */
  readonly attempts: AttemptsGuard;
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

/** Forwards everything that is no prediction to control, and answers for it when it is down. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const control = parseControlAddress(options.control);
  const settings = { keepAlive: true, maxSockets: options.maxRequests, scheduling: 'lifo' } as const;
  const agent: Agent = options.control.startsWith('https:') ? new SecureAgent(settings) : new PlainAgent(settings);
  let inFlight = 0;

  const send = (request: IncomingMessage, response: ServerResponse, requestId: string, isRetry: boolean): void => {
    const sender = { address: request.socket.remoteAddress, isTls: request.socket instanceof TLSSocket };
    const headers = forwardedRequestHeaders(request.rawHeaders, sender, options.isTrusted(sender.address), requestId);
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
    upstream.on('response', (answer) => {
      judgeRefusal(request, response, answer, options.attempts, {
        pass: (body) => relay(request, response, upstream, answer, body),
        refuse: (error) => refuse(request, response, error, requestId),
      });
    });
    pour(request, upstream);
  };

  const relay = (
    request: IncomingMessage,
    response: ServerResponse,
    upstream: ClientRequest,
    answer: IncomingMessage,
    whole: Buffer | undefined,
  ): void => {
    const status = answer.statusCode ?? 502;
    const headers = forwardedResponseHeaders(answer.rawHeaders);
    // An answer before the end of the body: the rest of the body would be taken for the next request.
    if (!request.complete) headers.push('Connection', 'close');
    if (answer.headers['content-type']?.startsWith('text/event-stream') === true) upstream.setTimeout(0);
    response.writeHead(status, headers);
    response.flushHeaders();
    options.onForwarded(status);
    const end = (): void => {
      if (request.complete) response.end();
      else linger(request, response);
    };
    if (whole !== undefined) {
      if (whole.length > 0) response.write(whole);
      end();
      return;
    }
    answer.on('error', () => response.destroy());
    answer.on('aborted', () => response.destroy());
    answer.pipe(response, { end: false });
    answer.once('end', end);
  };

  const refuse = (request: IncomingMessage, response: ServerResponse, error: MusterError, requestId: string): void => {
    options.onForwarded(refuseRequest(request, response, error, requestId));
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
