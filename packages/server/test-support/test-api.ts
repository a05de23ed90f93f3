import { MusterError, type RouteName } from '@muster-ml/protocol';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import type { Caller, Handlers } from '../src/identity/index.ts';
import { createApiServer } from '../src/platform/http/index.ts';

type ApiServerParts = Parameters<typeof createApiServer<Caller>>[0];

/** Routes of a room as clients meet them, without a socket. */
export interface TestApi {
  readonly app: FastifyInstance;
  /** Calls as the first caller, unless `headers` say `authorization`. */
  call(
    method: InjectOptions['method'] & string,
    path: string,
    body?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<LightMyRequestResponse>;
  close(): Promise<void>;
}

/** `callers` are known by their `authorization`; everybody else has no token. Only these routes may be called. */
export function openTestApi<N extends RouteName>(
  callers: Readonly<Record<string, Caller>>,
  handlers: Handlers<N>,
  idempotency: ApiServerParts['idempotency'] = { once: async (_scope, answer) => await answer() },
): TestApi {
  const app = createApiServer<Caller>({
    authenticate: async (authorization) => {
      const caller = callers[authorization ?? ''];
      if (caller === undefined) throw new MusterError('token_missing', 'the request carries no token');
      return await Promise.resolve(caller);
    },
    callerId: (caller) => caller.actor.id,
    handlers: handlers as unknown as Handlers<RouteName>,
    idempotency,
    logger: pino({ level: 'silent' }),
  });
  const [first = ''] = Object.keys(callers);
  return {
    app,
    call: async (method, path, body, headers = {}) =>
      await app.inject({
        method: method as 'GET',
        url: `/api/v1${path}`,
        headers: { authorization: first, ...headers },
        ...(body === undefined ? {} : { payload: body }),
      }),
    close: async () => await app.close(),
  };
}

/** Status and code of a refusal. */
export async function codeOf(answer: Promise<LightMyRequestResponse>): Promise<[number, string]> {
  const refused = await answer;
  return [refused.statusCode, refused.json<{ code: string }>().code];
}
