import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AccessRule,
  type ActorDetail,
  type ErrorCode,
  type RouteName,
  type Member,
  MusterError,
  type Route,
  type Team,
  type Token,
  createActorSchema,
  createTokenSchema,
  routes,
  setAccessSchema,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';

/** One request, taken apart by its route. */
export interface IdentityRequest {
  readonly route: RouteName;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A server that knows who there is and nothing else, from memory; bodies and answers are checked against the protocol. */
export interface IdentityTwin {
  readonly url: string;
  readonly token: string;
  readonly seen: readonly IdentityRequest[];
  /** What `whoami` says of the token. */
  limits: { expiresAt: string | null; actions: string[] | null; resources: string[] | null };
  /** The next calls of the route answer with this error. */
  fail(route: RouteName, code: ErrorCode, message: string): void;
  close(): Promise<void>;
}

const at = '2026-11-30T10:00:00.000Z';
/** What the twin makes when a token is asked for. */
export const madeToken = `mstp_${'a'.repeat(49)}`;

const ana: ActorDetail = {
  id: 'a1',
  kind: 'person',
  name: 'ana',
  teams: { default: ['admin'], fraud: ['viewer', 'operator'] },
  platformRoles: ['admin'],
  team: null,
  disabled: false,
  createdAt: at,
};
const robot: ActorDetail = {
  id: 'a2',
  kind: 'service',
  name: 'ci-fraud',
  teams: {},
  platformRoles: [],
  team: 'fraud',
  disabled: true,
  createdAt: at,
};
const team: Team = { name: 'fraud', description: 'finds it', members: 1, createdAt: at };
const member: Member = {
  actor: 'a1',
  name: 'ana',
  kind: 'person',
  roles: [{ role: 'viewer', sources: ['local', 'spec'] }],
};
const token: Token = {
  id: 't1',
  actor: 'a1',
  actorName: 'ana',
  kind: 'personal',
  note: 'laptop',
  last4: 'wxyz',
  actions: ['endpoint.predict'],
  resources: ['endpoint/fraud'],
  state: 'live',
  createdAt: at,
  expiresAt: '2027-01-30T10:00:00.000Z',
  lastUsedAt: null,
};
const rule: AccessRule = {
  subjectKind: 'actor',
  subject: 'a2',
  subjectName: 'ci-fraud',
  ratePerSecond: 0.5,
  requestsPerDay: 1000,
  expiresAt: null,
  createdAt: at,
  createdBy: 'a1',
};

export async function startIdentityTwin(): Promise<IdentityTwin> {
  const bearer = 'twin-token-1234567890';
  const seen: IdentityRequest[] = [];
  const failures = new Map<RouteName, MusterError>();
  const server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const url = new URL(request.url ?? '/', 'http://twin');
      const [name, route, params] = findRoute(request.method ?? '', url.pathname);
      const query = Object.fromEntries(url.searchParams);
      const body: unknown = typeof route.body === 'object' ? route.body.parse(JSON.parse(text)) : undefined;
      route.params?.parse(params);
      route.query?.parse(query);
      seen.push({ route: name, params, query, body });
      const failure = failures.get(name);
      if (failure !== undefined) throw failure;
      if (route.answer.status === 204) return void response.writeHead(204).end();
      const answer = answerOf({ route: name, params, query, body });
      if (typeof route.answer.schema === 'object') route.answer.schema.parse(answer);
      response.writeHead(route.answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    })().catch((thrown: unknown) => {
      const problem = toProblem(toMusterError(thrown), 'request-1');
      response.writeHead(problem.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
  });

  function answerOf({ route, params, query, body }: IdentityRequest): unknown {
    const actorNamed = (name = ''): ActorDetail => (name === robot.name ? robot : { ...ana, name });
    switch (route) {
      case 'whoami':
        return { ...ana, token: { id: 't1', ...twin.limits } };
      case 'actorList':
        return { items: [ana, robot] };
      case 'actorGet':
      case 'platformRoleGrant':
      case 'platformRoleRevoke':
        return actorNamed(params['actor']);
      case 'actorCreate': {
        const { name, kind, team: owner } = createActorSchema.parse(body);
        return { ...robot, name, kind, team: owner ?? null, disabled: false };
      }
      case 'actorUpdate':
        return { ...actorNamed(params['actor']), ...(body as object) };
      case 'teamList':
        return { items: [team] };
      case 'teamGet':
        return team;
      case 'teamCreate':
      case 'teamUpdate':
        return { ...team, ...(body as object) };
      case 'memberList':
        return { items: [member] };
      case 'roleGrant':
      case 'roleRevoke':
        return { ...member, name: params['actor'] };
      case 'tokenList':
        return { items: [token] };
      case 'tokenCreate': {
        const { actions = null, resources = null, note } = createTokenSchema.parse(body);
        return { ...token, actions, resources, note, token: madeToken };
      }
      case 'tokenReport':
        return { revoked: (body as { readonly token: string }).token === madeToken };
      case 'accessList':
        return { items: [rule] };
      case 'accessSet': {
        const { ratePerSecond, requestsPerDay } = setAccessSchema.parse(body);
        const subjectName = params['subject'] ?? '';
        return { ...rule, subjectKind: params['subjectKind'], subjectName, ratePerSecond, requestsPerDay };
      }
      case 'accessExplain':
        return {
          ...query,
          allow: query['action'] === 'endpoint.read',
          visible: query['resource'] !== 'endpoint/hidden',
          reasons: ['because it is so'],
        };
      default:
        throw new MusterError('not_offered', `the twin has no ${route}`);
    }
  }

  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const twin: IdentityTwin = {
    url: `http://localhost:${port}`,
    token: bearer,
    seen,
    limits: { expiresAt: null, actions: null, resources: null },
    fail: (route, code, message) => void failures.set(route, new MusterError(code, message)),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
  return twin;
}

function findRoute(method: string, path: string): [RouteName, Route, Record<string, string>] {
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const match = new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(path);
    if (match === null || route.method !== method) continue;
    const params = Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
    return [name, route, Object.fromEntries(params) as Record<string, string>];
  }
  throw new MusterError('route_not_found', `${method} ${path}`);
}
