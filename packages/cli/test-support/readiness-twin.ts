import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CheckResult,
  type ErrorCode,
  type Evidence,
  MusterError,
  type Readiness,
  type Route,
  type RouteName,
  type StandingEvent,
  type Submission,
  type Waiver,
  readinessSchema,
  routes,
  submissionSchema,
  toMusterError,
  toProblem,
  waiverSchema,
} from '@muster-ml/protocol';
import { endpointDocument, now } from './twin-documents.ts';

/** A server that knows one endpoint `fraud` and what production asks of it, from memory; bodies and answers are checked. */
export interface ReadinessTwin {
  readonly url: string;
  readonly token: string;
  readonly seen: readonly { readonly route: RouteName; readonly given: unknown }[];
  readiness: Readiness;
  submissions: readonly Submission[];
  waivers: readonly Waiver[];
  evidence: readonly Evidence[];
  events: readonly StandingEvent[];
  runbook: string | null;
  /** The next call of the route answers with this error. */
  failNext(route: RouteName, code: ErrorCode, message: string): void;
  close(): Promise<void>;
}

export const ana = { id: 'a1', name: 'ana' };
export const bob = { id: 'a2', name: 'bob' };

/** A check that holds; what is not given is of no interest. */
export function twinCheck(
  given: Partial<Omit<CheckResult, 'outcome'>> & { readonly outcome?: Partial<CheckResult['outcome']> } = {},
): CheckResult {
  return {
    id: 'R01',
    title: 'Somebody owns it',
    level: 'bronze',
    required: true,
    waiver: null,
    holds: true,
    ...given,
    outcome: {
      state: 'passed',
      summary: 'ana owns it',
      at: null,
      until: null,
      evidence: null,
      remedy: null,
      ...given.outcome,
    },
  };
}

/** `fraud` with these checks, where silver is asked for. */
export function twinReadiness(checks: readonly CheckResult[], given: Partial<Readiness> = {}): Readiness {
  return readinessSchema.parse({
    endpoint: 'fraud',
    team: 'risk',
    model: 'churn',
    version: 3,
    riskTier: 'limited',
    standing: { state: 'none', since: null, firstAt: null, reasons: [] },
    verdict: {
      environment: 'prod',
      edition: '2026.1',
      level: 'silver',
      reached: null,
      holds: checks.every(({ required, holds }) => holds || !required),
      checks,
      until: null,
      at: now,
    },
    subjectDigest: 'subject',
    evidenceDigest: 'evidence',
    submission: null,
    ...given,
  });
}

export function twinSubmission(given: Partial<Submission> = {}): Submission {
  return submissionSchema.parse({
    id: '01s1',
    endpoint: 'fraud',
    team: 'risk',
    model: 'churn',
    version: 3,
    level: 'silver',
    riskTier: 'limited',
    state: 'waiting',
    why: null,
    note: '',
    subjectDigest: 'subject',
    evidenceDigest: 'evidence-1',
    approvalsNeeded: 1,
    approvals: [],
    submitted: { by: ana, at: now },
    endedAt: null,
    ...given,
  });
}

export function twinWaiver(given: Partial<Waiver> = {}): Waiver {
  return waiverSchema.parse({
    id: '01w1',
    endpoint: 'fraud',
    team: 'risk',
    check: 'R21',
    reason: 'One runner until Monday.',
    until: '2026-12-24T12:00:00.000Z',
    state: 'requested',
    requested: { by: ana, at: now },
    decided: null,
    ...given,
  });
}

export async function startReadinessTwin(): Promise<ReadinessTwin> {
  const seen: { route: RouteName; given: unknown }[] = [];
  const failures = new Map<RouteName, MusterError>();
  const server = createServer((request, response) => {
    void answer(request).then(
      ({ status, document }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document)),
      (thrown: unknown) => {
        const problem = toProblem(toMusterError(thrown), 'request-1');
        response.writeHead(problem.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
      },
    );
  });

  async function answer(request: IncomingMessage): Promise<{ readonly status: number; readonly document: unknown }> {
    const url = new URL(request.url ?? '/', 'http://twin');
    const text = await textOf(request);
    for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
      const match = new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(url.pathname);
      if (match === null || route.method !== request.method) continue;
      const body = typeof route.body === 'object' ? route.body.parse(JSON.parse(text)) : undefined;
      const query = route.query?.parse(Object.fromEntries(url.searchParams));
      seen.push({ route: name, given: body ?? query ?? {} });
      const failure = failures.get(name);
      failures.delete(name);
      if (failure !== undefined) throw failure;
      const document = handle(name, match.groups ?? {}, (body ?? query ?? {}) as Record<string, unknown>);
      const { schema, status } = route.answer;
      return { status, document: typeof schema === 'object' ? schema.parse(document) : document };
    }
    throw new MusterError('route_not_found', url.pathname);
  }

  function handle(name: RouteName, params: Readonly<Record<string, string>>, given: Record<string, unknown>): unknown {
    if (params['endpoint'] !== undefined && params['endpoint'] !== 'fraud')
      throw new MusterError('endpoint_not_found', `there is no endpoint ${params['endpoint']}`);
    switch (name) {
      case 'endpointReadiness':
      case 'versionReadiness':
        return twin.readiness;
      case 'modelGet':
        return { ...model, name: params['model'] };
      case 'endpointList':
        return { items: [fraud()] };
      case 'endpointGet':
        return fraud();
      case 'submissionList':
        return { items: twin.submissions.filter(({ state }) => state === (given['state'] ?? state)) };
      case 'submissionGet':
        return submissionOf(params['submission']);
      case 'submit':
        return twinSubmission({ note: String(given['note']) });
      case 'submissionApprove':
        return {
          ...submissionOf(params['submission']),
          state: 'approved',
          approvals: [{ by: bob, at: now, reason: given['reason'], entry: 40 }],
        };
      case 'submissionReject':
        return { ...submissionOf(params['submission']), state: 'rejected', why: given['reason'] };
      case 'evidenceList':
        return { items: twin.evidence.filter(({ check }) => check === (given['check'] ?? check)) };
      case 'evidenceAttest':
        return {
          id: '01e9',
          endpoint: 'fraud',
          model: null,
          version: null,
          source: 'person',
          summary: given['statement'],
          at: now,
          by: ana,
          entry: 41,
          ...given,
        };
      case 'waiverList':
        return { items: twin.waivers };
      case 'waiverRequest':
        return twinWaiver(given);
      case 'waiverApprove':
      case 'waiverReject':
      case 'waiverRevoke':
        return twinWaiver({ id: params['waiver'] ?? '', state: 'approved' });
      case 'standingEvents':
        return { items: twin.events };
      default:
        throw new MusterError('not_offered', `the twin has no ${name}`);
    }
  }

  function submissionOf(id: string | undefined): Submission {
    const found = twin.submissions.find((one) => one.id === id);
    if (found === undefined) throw new MusterError('submission_not_found', `there is no submission ${id}`);
    return found;
  }

  function fraud(): object {
    return {
      ...endpointDocument('fraud', undefined, 'churn', 3, { role: 'live', settings: {} }),
      kind: 'served',
      owner: ana,
      useCase: null,
      objective: null,
      runbook: twin.runbook,
    };
  }

  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const twin: ReadinessTwin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'twin-token-1234567890',
    seen,
    readiness: twinReadiness([twinCheck()]),
    submissions: [],
    waivers: [],
    evidence: [],
    events: [],
    runbook: null,
    failNext: (route, code, message) => void failures.set(route, new MusterError(code, message)),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return twin;
}

const model = {
  team: 'risk',
  description: '',
  tags: {},
  latestVersion: 3,
  aliases: { champion: 2 },
  createdAt: now,
  createdBy: 'ana',
};

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += String(chunk);
  return text;
}
