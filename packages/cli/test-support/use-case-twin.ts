import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type ErrorCode,
  MusterError,
  type Route,
  type RouteName,
  type UseCase,
  acceptUseCaseSchema,
  adviceOf,
  proposeUseCaseSchema,
  reviewUseCaseSchema,
  routes,
  toMusterError,
  toProblem,
  updateUseCaseSchema,
  useCaseSchema,
} from '@muster-ml/protocol';

/** A server that has use cases and nothing else, from memory; bodies and answers are checked against the protocol. */
export interface UseCaseTwin {
  readonly url: string;
  readonly token: string;
  /** Requests, taken apart by their route. */
  readonly seen: {
    readonly route: RouteName;
    readonly query: Readonly<Record<string, string>>;
    readonly body: unknown;
    readonly ifMatch: string | undefined;
  }[];
  readonly useCases: UseCase[];
  /** The next calls of the route answer with this error. */
  fail(route: RouteName, code: ErrorCode, message: string): void;
  close(): Promise<void>;
}

const at = '2026-11-30T10:00:00.000Z';
const by = { id: 'a1', name: 'ana' };

/** A use case of ana's; what is not given is empty. */
export function twinUseCase(given: Partial<UseCase> = {}): UseCase {
  return useCaseSchema.parse({
    name: 'fraud-alerts',
    team: 'risk',
    title: 'Stop paying fraud',
    problem: 'We find it months later',
    supports: '',
    baseline: '',
    metric: null,
    value: null,
    sponsor: '',
    alternatives: '',
    state: 'proposed',
    riskTier: null,
    proposed: { by, at },
    review: null,
    decided: null,
    endpoints: [],
    revision: 1,
    ...given,
  });
}

export async function startUseCaseTwin(): Promise<UseCaseTwin> {
  const failures = new Map<RouteName, MusterError>();
  const found = (name = ''): UseCase => {
    const useCase = twin.useCases.find((one) => one.name === name);
    if (useCase === undefined) throw new MusterError('usecase_not_found', `there is no use case ${name}`);
    return useCase;
  };
  const changed = (name: string | undefined, change: Partial<UseCase>): UseCase => {
    const before = found(name);
    const after = { ...before, ...change, revision: before.revision + 1 };
    twin.useCases[twin.useCases.indexOf(before)] = after;
    return after;
  };
  const decided = (as: NonNullable<UseCase['decided']>['as'], body: unknown): Partial<UseCase> => {
    const { reason } = body as { readonly reason: string };
    return { state: as, decided: { as, reason, by: { id: 'a2', name: null }, at, entry: 41 } };
  };

  function answerOf(route: RouteName, name: string | undefined, body: unknown): unknown {
    switch (route) {
      case 'useCaseList':
        return { items: twin.useCases };
      case 'useCaseGet':
        return found(name);
      case 'useCasePropose': {
        const useCase = twinUseCase(proposeUseCaseSchema.parse(body));
        twin.useCases.push(useCase);
        return useCase;
      }
      case 'useCaseUpdate': {
        const text = Object.entries(updateUseCaseSchema.parse(body)).filter(([, value]) => value !== undefined);
        return changed(name, { ...(Object.fromEntries(text) as Partial<UseCase>), review: null });
      }
      case 'useCaseReview': {
        const { answers } = reviewUseCaseSchema.parse(body);
        return changed(name, { state: 'proposed', review: { answers, ...adviceOf(answers), by, at } });
      }
      case 'useCaseAccept':
        return changed(name, { ...decided('accepted', body), riskTier: acceptUseCaseSchema.parse(body).riskTier });
      case 'useCaseDecline':
        return changed(name, decided('declined', body));
      case 'useCaseRetire':
        return changed(name, decided('retired', body));
      default:
        throw new MusterError('not_offered', `the twin has no ${route}`);
    }
  }

  const server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const url = new URL(request.url ?? '/', 'http://twin');
      const [name, route, useCase] = findRoute(request.method ?? '', url.pathname);
      const query = Object.fromEntries(url.searchParams);
      const sent: unknown = text === '' ? undefined : JSON.parse(text);
      const body: unknown = typeof route.body === 'object' ? route.body.parse(sent) : undefined;
      route.query?.parse(query);
      // As it was sent: what is left out is left to the server.
      twin.seen.push({ route: name, query, body: sent, ifMatch: request.headers['if-match'] });
      const failure = failures.get(name);
      if (failure !== undefined) throw failure;
      const answer = answerOf(name, useCase, body);
      if (typeof route.answer.schema === 'object') route.answer.schema.parse(answer);
      response.writeHead(route.answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    })().catch((thrown: unknown) => {
      const problem = toProblem(toMusterError(thrown), 'request-1');
      response.writeHead(problem.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const twin: UseCaseTwin = {
    url: `http://localhost:${port}`,
    token: 'twin-token-1234567890',
    seen: [],
    useCases: [],
    fail: (route, code, message) => void failures.set(route, new MusterError(code, message)),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
  return twin;
}

function findRoute(method: string, path: string): [RouteName, Route, string | undefined] {
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const match = new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(path);
    if (match !== null && route.method === method) return [name, route, match.groups?.['useCase']];
  }
  throw new MusterError('route_not_found', `${method} ${path}`);
}
