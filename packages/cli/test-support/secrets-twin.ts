import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Endpoint,
  MusterError,
  type Operation,
  type Secret,
  setSecretSchema,
  toProblem,
} from '@muster-ml/protocol';
import { endpointDocument } from './twin-documents.ts';

/** A server that has secrets and an endpoint that uses one, from memory. */
export interface SecretsTwin {
  readonly url: string;
  readonly token: string;
  /** Bodies of what was set, and the lines of the other requests. */
  readonly seen: unknown[];
  readonly secrets: Secret[];
  /** How the replicas of the endpoint come back from a restart. */
  afterRestart: 'ready' | 'failed';
  close(): Promise<void>;
}

const at = '2026-11-30T10:00:00.000Z';

export function twinSecret(team: string, name: string, more: Partial<Secret> = {}): Secret {
  const versions = [{ version: 1, setAt: at, setBy: 'olga' }];
  const reference = `secret://${team}/${name}`;
  return {
    team,
    name,
    reference,
    version: 1,
    kind: 'text',
    createdAt: at,
    createdBy: 'olga',
    versions,
    usedBy: [],
    ...more,
  };
}

export async function startSecretsTwin(): Promise<SecretsTwin> {
  let endpoint = withReplicas(endpointDocument('fraud', undefined, 'fraud', 1, { role: 'live', settings: {} }), [
    'd1.0',
  ]);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://twin');
    const json = (content: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(status === 204 ? undefined : JSON.stringify(content));
    };
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const [, , , what, team, name] = url.pathname.split('/');
    const found = twin.secrets.find((secret) => secret.team === team && secret.name === name);
    const missing = toProblem(new MusterError('secret_not_found', `there is no secret secret://${team}/${name}`), 'r1');
    if (request.method !== 'PUT') twin.seen.push(`${request.method} ${url.pathname}${url.search}`);
    if (what === 'endpoints' && name === 'restart') {
      endpoint = withReplicas(endpoint, ['d1.1'], twin.afterRestart);
      return json(endpoint);
    }
    if (what === 'endpoints') return json(endpoint);
    if (what === 'operations') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const result = { key: '00112233aabbccdd', wrapped: 12 };
      return void response.end(
        `data: ${JSON.stringify({ ...operation, state: 'succeeded', result, finishedAt: at })}\n\n`,
      );
    }
    if (team === undefined) return json({ items: twin.secrets });
    if (team === 'rotate-key') return json(operation, 202);
    if (request.method === 'PUT') {
      twin.seen.push(setSecretSchema.parse(JSON.parse(body)));
      const set = { ...(found ?? twinSecret(team, name ?? '')), version: (found?.version ?? 0) + 1 };
      return json(set);
    }
    if (found === undefined) return json(missing, 404);
    if (request.method === 'DELETE' && found.usedBy.length > 0 && !url.searchParams.has('force'))
      return json(toProblem(new MusterError('secret_in_use', `${found.reference} is used by fraud`), 'r1'), 409);
    return request.method === 'DELETE' ? json(undefined, 204) : json(found);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const twin: SecretsTwin = {
    url: `http://localhost:${port}`,
    token: 'twin-token-1234567890',
    seen: [],
    secrets: [
      twinSecret('risk', 'api-key', { usedBy: [{ endpoint: 'fraud', deployment: 'd1', variable: 'API_KEY' }] }),
      twinSecret('risk', 'certificate', { kind: 'binary' }),
    ],
    afterRestart: 'ready',
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
  return twin;
}

function withReplicas(endpoint: Endpoint, ids: readonly string[], state: 'ready' | 'failed' = 'ready'): Endpoint {
  const problem = toProblem(new MusterError('model_unloadable', 'it cannot sign in'));
  const replicas = ids.map((id) => ({ id, runner: id, state, ...(state === 'failed' ? { problem } : {}) }));
  return { ...endpoint, ready: true, deployments: endpoint.deployments.map((one) => ({ ...one, replicas })) };
}

const operation: Operation = {
  id: 'op1',
  kind: 'rotate-key',
  subject: 'installation/secrets',
  state: 'running',
  progress: 'making a new key',
  result: null,
  problem: null,
  createdAt: at,
  createdBy: 'adam',
  finishedAt: null,
};
