import {
  type ErrorCode,
  MusterError,
  type Operation,
  type Route,
  type RouteName,
  type Routes,
  catalogue,
  fromProblem,
  problemSchema,
  routes,
} from '@muster-ml/protocol';
import type { z } from 'zod';
import { eventsOf } from './event-stream.ts';

type Part<N extends RouteName, P extends string> = Routes[N] extends { readonly [K in P]: infer S }
  ? S extends z.ZodType
    ? z.input<S>
    : Uint8Array
  : undefined;
type AnswerSchema<N extends RouteName> = Routes[N]['answer'] extends { readonly schema: infer S } ? S : undefined;

/** What a route takes; parts that it has not are left out. */
export interface CallOptions<N extends RouteName> {
  readonly params?: Part<N, 'params'>;
  readonly query?: Part<N, 'query'>;
  readonly body?: Part<N, 'body'>;
  /** Sent as `Idempotency-Key`, so that a repeat after a lost answer has no second effect. */
  readonly idempotencyKey?: string;
  /** Revision that was read, sent as `If-Match`. */
  readonly ifMatch?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Longest wait for this answer's head, where it is known to take longer than others. */
  readonly timeoutMs?: number;
}

/** What a route answers: its JSON; for bytes and events the response itself. */
export type CallAnswer<N extends RouteName> =
  AnswerSchema<N> extends z.ZodType ? z.output<AnswerSchema<N>> : AnswerSchema<N> extends string ? Response : undefined;

export interface ClientOptions {
  /** Such as `http://localhost:7070`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Longest wait for an answer's head, in milliseconds. */
  readonly timeoutMs?: number;
  readonly userAgent?: string;
  /** Ends every request of this client, such as at Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** A typed client of the management API. It throws the `MusterError` that the server answered with. */
export interface Client {
  readonly url: string;
  call<N extends RouteName>(name: N, options?: CallOptions<N>): Promise<CallAnswer<N>>;
  /** Any address of the installation, such as `/predict/fraud`, with the token. */
  request(path: string, init?: RequestInit & { readonly timeoutMs?: number }): Promise<Response>;
  /** Follows an operation to its end and returns it; `onChange` sees each state. Reconnects when the stream breaks. */
  follow(
    operation: Operation,
    options?: { readonly onChange?: (operation: Operation) => void; readonly signal?: AbortSignal },
  ): Promise<Operation>;
}

export function createClient(options: ClientOptions): Client {
  const base = options.url.replace(/\/+$/, '');

  async function request(path: string, wish: RequestInit & { readonly timeoutMs?: number } = {}): Promise<Response> {
    checkPath(path);
    const { timeoutMs = options.timeoutMs ?? 30_000, ...init } = wish;
    const headers = new Headers(init.headers);
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
    if (options.userAgent !== undefined) headers.set('user-agent', options.userAgent);
    // The limit is on the head of the answer: bodies of any length may follow.
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    const wishes = [init.signal, options.signal].filter((signal) => signal != null);
    const signal = AbortSignal.any([limit.signal, ...wishes]);
    try {
      return await fetch(base + path, { ...init, headers, signal, redirect: 'error' });
    } catch (cause) {
      if (wishes.some(({ aborted }) => aborted)) throw cause;
      const why = limit.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(cause);
      throw new MusterError('server_unreachable', `${base} cannot be reached: ${why}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async function call<N extends RouteName>(name: N, callOptions: CallOptions<N> = {}): Promise<CallAnswer<N>> {
    const route: Route = routes[name];
    const headers: Record<string, string> = { accept: 'application/json', ...callOptions.headers };
    if (callOptions.idempotencyKey !== undefined) headers['idempotency-key'] = callOptions.idempotencyKey;
    if (callOptions.ifMatch !== undefined) headers['if-match'] = `"${callOptions.ifMatch}"`;
    const body: unknown = callOptions.body;
    if (body !== undefined)
      headers['content-type'] = route.body === 'octet-stream' ? 'application/octet-stream' : 'application/json';
    const response = await request(pathOf(route, callOptions.params, callOptions.query), {
      method: route.method,
      headers,
      ...(body === undefined
        ? {}
        : { body: body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
      ...(callOptions.signal === undefined ? {} : { signal: callOptions.signal }),
      ...(callOptions.timeoutMs === undefined ? {} : { timeoutMs: callOptions.timeoutMs }),
    });
    if (!response.ok) throw await errorIn(response);
    if (typeof route.answer.schema === 'string') return response as CallAnswer<N>;
    if (response.status === 204) return undefined as CallAnswer<N>;
    return (await jsonIn(response, base)) as CallAnswer<N>;
  }

  async function follow(
    operation: Operation,
    followOptions: { readonly onChange?: (operation: Operation) => void; readonly signal?: AbortSignal } = {},
  ): Promise<Operation> {
    let last = operation;
    const { signal } = followOptions;
    const params = { operation: operation.id };
    for (let failures = 0; last.state === 'running';) {
      try {
        const stream = await call('operationWatch', { params, ...(signal === undefined ? {} : { signal }) });
        for await (const event of eventsOf(stream)) {
          last = event as Operation;
          failures = 0;
          followOptions.onChange?.(last);
        }
        if (last.state === 'running')
          last = await call('operationGet', { params, ...(signal === undefined ? {} : { signal }) });
      } catch (error) {
        const isPassing = !(error instanceof MusterError) || error.kind === 'unavailable';
        const isUnwanted = signal?.aborted === true || options.signal?.aborted === true;
        if (isUnwanted || !isPassing || ++failures > 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.min(100 * failures, 1000)));
      }
    }
    return last;
  }

  return { url: base, call, request, follow };
}

/** Longest error that is read; the rest cannot help anybody. */
const maxErrorBytes = 1_000_000;

/** The error that a response stands for, whichever of Muster's faces wrote it. */
export async function errorIn(response: Response): Promise<MusterError> {
  const text = await textOf(response);
  const answer = parsed(text);
  const code = codeOfStatus[response.status] ?? 'internal_error';
  const requestId = response.headers.get('x-request-id');
  const origin = requestId === null ? {} : { requestId };
  const problem = problemSchema.safeParse(answer);
  if (problem.success) {
    // A code of a newer server is not in our catalogue: its kind is kept by way of the status.
    const known = Object.hasOwn(catalogue, problem.data.code) ? problem.data : { ...problem.data, code };
    return fromProblem({ ...origin, ...known });
  }
  const detail = isOipError(answer) ? answer.error : text.slice(0, 500);
  return new MusterError(code, detail === '' ? `the server answered ${response.status}` : detail, origin);
}

/** The JSON of an answer; what else listens on the port answers something else. */
async function jsonIn(response: Response, base: string): Promise<unknown> {
  const answer = parsed(await response.text());
  if (answer !== undefined) return answer;
  throw new MusterError('server_unreachable', `${base} answers, but not as Muster does`, {
    remedy: 'Another program seems to listen there: name the right address with --server.',
  });
}

function isOipError(answer: unknown): answer is { readonly error: string } {
  return typeof answer === 'object' && answer !== null && 'error' in answer && typeof answer.error === 'string';
}

/** The body as text, up to a limit; one that breaks off counts as far as it came. */
async function textOf(response: Response): Promise<string> {
  if (response.body === null) return '';
  let text = '';
  try {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.length > maxErrorBytes) break;
    }
  } catch {
    // The status says enough.
  }
  return text;
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  401: 'token_invalid',
  403: 'not_allowed',
  404: 'endpoint_not_found',
  413: 'body_too_large',
  429: 'queue_full',
  501: 'not_offered',
  502: 'endpoint_not_ready',
  503: 'endpoint_not_ready',
  504: 'deadline_passed',
};

function pathOf(route: Route, params: unknown, query: unknown): string {
  const values = (params ?? {}) as Record<string, string | number>;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(String(values[name])));
  const pairs = Object.entries((query ?? {}) as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return pairs.length === 0
    ? path
    : `${path}?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}

/** A name of dots is a step within a URL, encoded or not: `…/deployments/..` would be the endpoint. It never leaves here. */
function checkPath(path: string): void {
  const dots = path
    .split(/[?#]/, 1)[0]
    ?.split('/')
    .find((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (dots !== undefined)
    throw new MusterError('invalid_request', `"${dots}" cannot be a name`, {
      remedy: 'Check the name; only dots cannot be sent as one.',
    });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  if (!(inner instanceof Error)) return String(inner);
  // An attempt at several addresses has a code and no message.
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  return inner.message.includes(code) ? inner.message : `${code} ${inner.message}`.trim();
}
