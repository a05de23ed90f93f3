import type { IncomingMessage, ServerResponse } from 'node:http';
import { MusterError, toMusterError } from '@muster-ml/protocol';
import type { AttemptsGuard } from './attempts-guard.ts';
import { renderForCaller } from './caller-error.ts';
import { type ControlAddress, parseControlAddress } from './control-address.ts';
import { joinExpositions } from './exposition.ts';
import type { Admission } from './faces.ts';
import { tokenOf } from './http/bearer-token.ts';
import type { ServingLog } from './serving-log.ts';

export interface GatewayRoutesOptions {
  readonly admission: Admission;
  readonly attempts: AttemptsGuard;
  /** Why no traffic should be sent here; empty: ready. */
  readonly unready: () => readonly string[];
  /** Whether a request can come from this machine only; from elsewhere metrics need a token. */
  readonly isLocal: (request: IncomingMessage) => boolean;
  /** Texts in the exposition format from this process. */
  readonly metrics: () => Promise<readonly string[]>;
  readonly control: { readonly address: string; readonly token: string };
  readonly log: ServingLog;
}

const controlMetricsMs = 2000;
const controlMetricsBytes = 16 * 1024 * 1024;

/** Answers `/livez`, `/readyz` and `/metrics` of the gateway; false where the request is about something else. */
export function createGatewayRoutes(
  options: GatewayRoutesOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const control = parseControlAddress(options.control.address);
  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path !== '/livez' && path !== '/readyz' && path !== '/metrics') return false;
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      refuse(
        request,
        response,
        new MusterError('method_not_allowed', `${request.method} is not allowed on ${path}`),
        405,
      );
    } else if (path === '/livez') {
      sendJson(response, 200, { status: 'alive' });
    } else if (path === '/readyz') {
      const reasons = options.unready();
      sendJson(
        response,
        reasons.length === 0 ? 200 : 503,
        reasons.length === 0 ? { status: 'ready' } : { status: 'not ready', reasons },
      );
    } else {
      sendMetrics(request, response, options, control).catch((thrown: unknown) =>
        refuse(request, response, options.attempts.judge(request, response, toMusterError(thrown))),
      );
    }
    return true;
  };
}

async function sendMetrics(
  request: IncomingMessage,
  response: ServerResponse,
  options: GatewayRoutesOptions,
  control: ControlAddress,
): Promise<void> {
  if (!options.isLocal(request)) {
    const grant = options.admission.authenticate(tokenOf(request.headers.authorization));
    // They name every endpoint.
    if (!options.admission.seesEverything(grant))
      throw new MusterError('not_allowed', 'metrics are about every endpoint, and you do not see all of them');
  }
  const [own, ofControl] = await Promise.all([options.metrics(), fetchMetrics(control, options.control.token)]);
  const body = joinExpositions(ofControl === undefined ? own : [...own, ofControl]);
  response
    .writeHead(200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}

/** Control's own metrics; undefined if it does not answer in time: a scrape must not fail because control is down. */
function fetchMetrics(control: ControlAddress, token: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = control.request({ method: 'GET', path: '/metrics', headers: { authorization: `Bearer ${token}` } });
    const give = (text: string | undefined): void => {
      clearTimeout(timer);
      resolve(text);
      if (text === undefined) request.destroy();
    };
    const timer = setTimeout(() => give(undefined), controlMetricsMs);
    request.on('error', () => give(undefined));
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > controlMetricsBytes) give(undefined);
        else parts.push(part);
      });
      response.on('error', () => give(undefined));
      response.on('close', () =>
        give(response.complete && response.statusCode === 200 ? Buffer.concat(parts).toString('utf8') : undefined),
      );
    });
    request.end();
  });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    .end(body);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: MusterError, status?: number): void {
  if (response.headersSent || response.destroyed) return;
  const rendered = renderForCaller(request.url ?? '', error, '');
  if (error.kind === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer realm="muster"');
  if (error.retryAfterSeconds !== undefined) response.setHeader('Retry-After', Math.ceil(error.retryAfterSeconds));
  response
    .writeHead(status ?? rendered.status, {
      'content-type': rendered.contentType,
      'content-length': Buffer.byteLength(rendered.body),
    })
    .end(rendered.body);
}
