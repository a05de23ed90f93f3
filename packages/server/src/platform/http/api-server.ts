import type { IncomingMessage, Server } from 'node:http';
import { Readable } from 'node:stream';
import {
  MusterError,
  type Route,
  type RouteName,
  httpStatusOfKind,
  routes,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { z } from 'zod';
import type { EventAnswer, RawAnswer, RouteCall, RouteHandlers } from './handlers.ts';
import type { Idempotency } from './idempotency.ts';
import { requestIdFrom } from './request-id.ts';
import { parsePart } from './validation.ts';

/** Management requests are small, if their route says nothing else; files travel as streams of their own. */
const maxJsonBytes = 4 * 1024 * 1024;

export interface ApiServerOptions<C> {
  /** Who calls, from the Authorization header. Throws the identity codes. */
  readonly authenticate: (authorization: string | undefined, requestId: string) => Promise<C>;
  /** A stable id of the caller, the scope of idempotency keys. */
  readonly callerId: (caller: C) => string;
  readonly handlers: RouteHandlers<RouteName, C>;
  readonly idempotency: Idempotency;
  readonly logger: FastifyBaseLogger;
}

/** The management API on Fastify: every route of `protocol/routes.ts`, validated, authenticated and rendered the same way. */
export function createApiServer<C>(options: ApiServerOptions<C>): FastifyInstance {
  const app = fastify<Server>({
    loggerInstance: options.logger,
    // One line a request, written when it is answered, is enough.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => requestIdFrom(request.headers['x-request-id']),
    bodyLimit: maxJsonBytes,
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: 2000,
      querystringParser: (text) => Object.fromEntries(new URLSearchParams(text)),
    },
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    // What Fastify refuses before it has a route would be answered in a form of its own.
    frameworkErrors: (thrown, request, reply) => void sendProblem(fromRouter(thrown), request, reply),
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(String(body)));
    } catch (error) {
      done(new MusterError('invalid_json', error instanceof Error ? error.message : 'not JSON', { place: 'body' }));
    }
  });
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  // A body of another type is an error only where a body is read, so an odd header on a GET or an empty POST does no harm.
  app.addContentTypeParser('*', (request, payload, done) => {
    payload.resume();
    const type = request.headers['content-type'] ?? 'no content type';
    done(
      request.headers['content-length'] === '0'
        ? null
        : new MusterError('unsupported_media_type', `this route does not take ${type}`, {
            remedy: 'Send application/json, or application/octet-stream for parts of an upload.',
          }),
      undefined,
    );
  });

  app.addHook('onSend', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });
  app.setErrorHandler((thrown, request, reply) =>
    sendProblem(fromFastify(thrown, request.routeOptions.bodyLimit), request, reply),
  );
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const allowed = methodsOf(app, path);
    if (allowed.length > 0) {
      void reply.header('allow', allowed.join(', '));
      return sendProblem(
        new MusterError('method_not_allowed', `${request.method} is not allowed on ${path}`, {
          remedy: `Use ${allowed.join(' or ')}.`,
        }),
        request,
        reply,
        405,
      );
    }
    return sendProblem(
      new MusterError('route_not_found', `there is no route ${request.method} ${path}`),
      request,
      reply,
    );
  });

  for (const name of Object.keys(routes) as RouteName[]) mount(app, name, options);
  return app;
}

function mount<C>(app: FastifyInstance, name: RouteName, options: ApiServerOptions<C>): void {
  const route: Route = routes[name];
  // The table of handlers is checked route by route where rooms define theirs; here one signature stands for all.
  const handler = options.handlers[name] as unknown as (call: RouteCall<RouteName, C>) => Promise<unknown>;
  app.route({
    method: route.method,
    url: fastifyPath(route.path),
    bodyLimit: route.bodyBytes ?? maxJsonBytes,
    handler: async (request, reply) => {
      const caller = await options.authenticate(request.headers.authorization, request.id);
      const call = toCall(route, caller, request);
      const answer = async (): Promise<unknown> => await handler(call);
      const key = request.headers['idempotency-key'];
      if (route.method === 'POST' && typeof key === 'string' && route.body !== 'octet-stream') {
        const scope = {
          key,
          actor: options.callerId(caller),
          route: `${route.method} ${request.url}`,
          body: request.body,
        };
        return await sendJson(route, await options.idempotency.once(scope, answer), reply);
      }
      return await send(route, await answer(), request, reply);
    },
  });
}

function toCall<C>(route: Route, caller: C, request: FastifyRequest): RouteCall<RouteName, C> {
  const bodySchema = route.body instanceof z.ZodType ? route.body : undefined;
  const call = {
    caller,
    params: route.params === undefined ? undefined : parsePart(route.params, request.params, 'params'),
    query: route.query === undefined ? undefined : parsePart(route.query, request.query, 'query'),
    body: bodySchema === undefined ? rawBody(route, request) : parsePart(bodySchema, request.body ?? {}, 'body'),
    ifMatch: route.conditional === true ? revisionIn(request.headers['if-match']) : undefined,
    header: (name: string) => {
      const value = request.headers[name];
      return typeof value === 'string' ? value : undefined;
    },
  };
  return call as unknown as RouteCall<RouteName, C>;
}

function rawBody(route: Route, request: FastifyRequest): IncomingMessage | undefined {
  if (route.body !== 'octet-stream') return undefined;
  if (request.body === undefined || request.body === null)
    throw new MusterError('unsupported_media_type', 'this route takes bytes', {
      remedy: 'Send them as application/octet-stream.',
    });
  return request.raw;
}

function revisionIn(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined;
  const match = /^"(\d{1,15})"$/.exec(header.trim());
  if (match?.[1] === undefined)
    throw new MusterError('invalid_request', `If-Match ${header} is no ETag of this API`, {
      place: 'If-Match',
      remedy: 'Send the ETag that the read gave, with its quotes.',
    });
  return Number(match[1]);
}

async function send(
  route: Route,
  answer: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (route.answer.schema === 'octet-stream') return await sendRaw(answer as RawAnswer, reply);
  if (route.answer.schema === 'event-stream') return await sendEvents(answer as EventAnswer, request, reply);
  return await sendJson(route, answer, reply);
}

async function sendJson(route: Route, answer: unknown, reply: FastifyReply): Promise<FastifyReply> {
  void reply.code(route.answer.status);
  if (route.answer.status === 204) return await reply.send();
  if (typeof answer === 'object' && answer !== null) {
    if ('revision' in answer && typeof answer.revision === 'number') void reply.header('etag', `"${answer.revision}"`);
    if (route.answer.status === 202 && 'id' in answer)
      void reply.header('location', `/api/v1/operations/${String(answer.id)}`);
  }
  return await reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(answer)));
}

async function sendRaw(answer: RawAnswer, reply: FastifyReply): Promise<FastifyReply> {
  void reply.type('application/octet-stream');
  if (answer.sizeBytes !== undefined) void reply.header('content-length', answer.sizeBytes);
  if (answer.etag !== undefined)
    void reply.header('etag', `"${answer.etag}"`).header('cache-control', 'private, immutable, max-age=31536000');
  if (answer.fileName !== undefined)
    void reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(answer.fileName)}`);
  return await reply.send(answer.stream);
}

async function sendEvents(answer: EventAnswer, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const left = new AbortController();
  request.raw.once('close', () => left.abort());
  async function* lines(): AsyncGenerator<string> {
    for await (const event of answer.events(left.signal)) yield `data: ${JSON.stringify(event)}\n\n`;
  }
  return await reply.type('text/event-stream').header('cache-control', 'no-store').send(Readable.from(lines()));
}

/** Renders any error as `application/problem+json`; what was not foreseen is logged with its stack and shown as `internal_error`. */
async function sendProblem(
  error: MusterError,
  request: FastifyRequest,
  reply: FastifyReply,
  status = statusOf(error),
): Promise<FastifyReply> {
  if (error.kind === 'internal') request.log.error({ err: error.cause ?? error, code: error.code }, error.message);
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', Math.ceil(error.retryAfterSeconds));
  if (error.kind === 'unauthenticated') void reply.header('www-authenticate', 'Bearer realm="muster"');
  // Fastify would close on a body that it refuses to read, and a gateway that still sends it would see a broken connection in
  // place of the answer. Without this, Node reads on to the body's end, or until the gateway gives the request up.
  void reply.removeHeader('connection');
  return await reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify({ ...toProblem(error, request.id), status })));
}

function statusOf(error: MusterError): number {
  return error.code === 'unsupported_media_type' ? 415 : httpStatusOfKind[error.kind];
}

function fromFastify(thrown: unknown, bodyBytes: number): MusterError {
  if (
    thrown instanceof Error &&
    'code' in thrown &&
    'statusCode' in thrown &&
    typeof thrown.statusCode === 'number' &&
    thrown.statusCode < 500
  ) {
    if (thrown.statusCode === 413) return new MusterError('body_too_large', `the body is over ${bodyBytes} bytes`);
    return new MusterError('invalid_request', thrown.message, { cause: thrown });
  }
  return toMusterError(thrown);
}

/** An address that no route can have; it is not repeated, for it may be of any length. */
function fromRouter(thrown: Error & { readonly code?: string }): MusterError {
  return thrown.code === 'FST_ERR_MAX_PARAM_LENGTH'
    ? new MusterError('route_not_found', 'there is no route with a segment of this length')
    : new MusterError('invalid_request', 'the path is not percent-encoded UTF-8', { place: 'path', cause: thrown });
}

function fastifyPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function methodsOf(app: FastifyInstance, path: string): string[] {
  return (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).filter(
    (method) => app.findRoute({ method, url: path }) !== null || hasMatch(method, path),
  );
}

function hasMatch(method: string, path: string): boolean {
  const segments = path.replace(/\/$/, '').split('/');
  return Object.values(routes).some((route: Route) => {
    const pattern = route.path.split('/');
    return (
      route.method === method &&
      pattern.length === segments.length &&
      pattern.every((part, at) => part.startsWith('{') || part === segments[at])
    );
  });
}
