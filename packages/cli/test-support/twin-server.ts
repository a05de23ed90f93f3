import { createHash } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Endpoint,
  type ErrorCode,
  MusterError,
  type Operation,
  type Route,
  type RouteName,
  type Version,
  createVersionSchema,
  deploySchema,
  routes,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';
import { endpointDocument, now, pythonFacts, versionDocument } from './twin-documents.ts';

/** What came in, for a test to look at. */
export interface SeenRequest {
  readonly route: RouteName | 'predict' | 'explain' | 'livez';
  readonly body: unknown;
}

/** A server in the test's own process that answers as Muster does, from memory; every body and answer is checked against the protocol. */
export interface TwinServer {
  readonly url: string;
  readonly token: string;
  readonly seen: readonly SeenRequest[];
  /** The next call of the route answers with this error. */
  failNext(route: RouteName, code: ErrorCode, message: string): void;
  /** Operations stay running until the promise is resolved. */
  holdOperations(until: Promise<void>): void;
  close(): Promise<void>;
}

const partBytes = 1024;

export async function startTwinServer(): Promise<TwinServer> {
  const token = 'twin-token-1234567890';
  const seen: SeenRequest[] = [];
  const failures = new Map<RouteName, MusterError>();
  const models = new Map<string, { versions: Version[]; aliases: Record<string, number> }>();
  const endpoints = new Map<string, Endpoint>();
  const operations = new Map<string, Operation>();
  const uploads = new Map<string, { sizeBytes: number; sha256: string; parts: Map<number, Buffer> }>();
  const objects = new Set<string>();
  let held: Promise<void> = Promise.resolve();

  const server = createServer((request, response) => {
    void answer(request, response).catch((thrown: unknown) => {
      const problem = toProblem(toMusterError(thrown), 'request-1');
      response.writeHead(problem.status, { 'content-type': 'application/problem+json', 'x-request-id': 'request-1' });
      response.end(JSON.stringify(problem));
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://twin');
    const body = await bodyOf(request);
    if (url.pathname === '/livez') {
      response.end('ok');
      return;
    }
    const authorization = request.headers.authorization;
    if (authorization === undefined) throw new MusterError('token_missing', 'there is no token');
    if (authorization !== `Bearer ${token}`) throw new MusterError('token_invalid', 'nobody has this token');
    if (url.pathname.startsWith('/predict/')) return predict(request, response, url.pathname.slice(9), body.toString());
    const found = findRoute(request.method ?? '', url.pathname);
    if (found === undefined) throw new MusterError('route_not_found', url.pathname);
    const { name, route, params } = found;
    const parsed =
      typeof route.body === 'object'
        ? route.body.parse(body.length === 0 ? undefined : JSON.parse(body.toString()))
        : body;
    seen.push({ route: name, body: parsed });
    const failure = failures.get(name);
    if (failure !== undefined) {
      failures.delete(name);
      throw failure;
    }
    if (name === 'operationWatch') return await watch(response, params['operation'] ?? '');
    const result = handle(name, params, parsed);
    if (route.answer.status === 204) return void response.writeHead(204).end();
    const checked = typeof route.answer.schema === 'object' ? route.answer.schema.parse(result) : result;
    response.writeHead(route.answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(checked));
  }

  function handle(name: RouteName, params: Readonly<Record<string, string>>, body: unknown): unknown {
    const model = params['model'] ?? '';
    const endpoint = params['endpoint'] ?? '';
    switch (name) {
      case 'whoami':
        return {
          id: 'a1',
          kind: 'person',
          name: 'ana',
          teams: { default: ['admin'] },
          platformRoles: ['admin'],
          token: { id: 't1', expiresAt: null, actions: null, resources: null },
        };
      case 'status':
        return {
          version: '0.1.0',
          environment: 'dev',
          startedAt: now,
          database: { kind: 'sqlite', ok: true },
          objects: { kind: 'folder', ok: true },
          isolation: { level: 'namespaces', advice: '' },
          processes: [
            { role: 'control', id: 'control', state: 'running', pid: 7, startedAt: now, restarts: 0, memoryBytes: 1e8 },
          ],
          counts: { models: models.size, endpoints: endpoints.size, ready: endpoints.size },
        };
      case 'modelList':
        return { items: [...models.keys()].map(modelDocument) };
      case 'modelCreate': {
        const { name: created } = body as { name: string };
        models.set(created, { versions: [], aliases: {} });
        return modelDocument(created);
      }
      case 'modelGet':
        return modelDocument(model);
      case 'versionList':
        return { items: known(model).versions.toReversed() };
      case 'versionGet':
        return versionOf(model, Number(params['version']));
      case 'aliasSet':
        known(model).aliases[params['alias'] ?? ''] = (body as { version: number }).version;
        return { model, alias: params['alias'], version: (body as { version: number }).version };
      case 'uploadStart': {
        const { sizeBytes, sha256 } = body as { sizeBytes: number; sha256: string };
        const id = `u${uploads.size + 1}`;
        uploads.set(id, { sizeBytes, sha256, parts: new Map() });
        return uploadDocument(id);
      }
      case 'uploadGet':
        return uploadDocument(params['upload'] ?? '');
      case 'uploadPart':
        uploadOf(params['upload'] ?? '').parts.set(Number(params['part']), body as Buffer);
        return uploadDocument(params['upload'] ?? '');
      case 'uploadComplete': {
        const upload = uploadOf(params['upload'] ?? '');
        const whole = Buffer.concat([...upload.parts].toSorted(([a], [b]) => a - b).map(([, part]) => part));
        const digest = objects.has(upload.sha256) ? upload.sha256 : createHash('sha256').update(whole).digest('hex');
        if (digest !== upload.sha256) throw new MusterError('digest_mismatch', 'it differs');
        objects.add(digest);
        return { digest, sizeBytes: upload.sizeBytes };
      }
      case 'versionRegister': {
        const { digest, sampleCsv, sample, python } = createVersionSchema.parse(body);
        const { versions } = known(model);
        const hasSample = sampleCsv !== undefined || sample !== undefined;
        const registered = versionDocument(model, versions.length + 1, digest, hasSample);
        versions.push(
          python === undefined ? registered : { ...registered, runtime: 'python', facts: pythonFacts(python) },
        );
        return startOperation('register-version', `model/${model}`, { version: versionOf(model, versions.length) });
      }
      case 'endpointList':
        return { items: [...endpoints.values()] };
      case 'endpointGet':
        return endpointOf(endpoint);
      case 'endpointDelete':
        endpointOf(endpoint);
        endpoints.delete(endpoint);
        return undefined;
      case 'endpointEvents':
        endpointOf(endpoint);
        return {
          items: [
            {
              at: now,
              level: 'info',
              deployment: null,
              what: 'created',
              message: `endpoint ${endpoint} was made \u001b[31mred`,
            },
          ],
        };
      case 'deploy': {
        const request = deploySchema.parse(body);
        const number = request.version ?? known(request.model).aliases[request.alias ?? ''] ?? 0;
        versionOf(request.model, number);
        const earlier = endpoints.get(endpoint);
        endpoints.set(endpoint, endpointDocument(endpoint, earlier, request.model, number, request));
        return startOperation('deploy', `endpoint/${endpoint}`, { endpoint });
      }
      case 'promote':
        endpointOf(endpoint);
        throw new MusterError('nothing_to_promote', `${endpoint} has no canary`);
      case 'rollback':
        endpointOf(endpoint);
        return startOperation('deploy', `endpoint/${endpoint}`, { endpoint });
      case 'operationGet':
        return operationOf(params['operation'] ?? '');
      default:
        throw new MusterError('not_offered', `the twin has no ${name}`);
    }
  }

  function predict(request: IncomingMessage, response: ServerResponse, name: string, body: string): void {
    endpointOf(name);
    const example = { rows: [{ age: 1, income: 2 }] };
    const isPost = request.method === 'POST';
    seen.push({ route: isPost ? 'predict' : 'explain', body });
    response.writeHead(200, { 'content-type': 'application/json' });
    if (!isPost) return void response.end(JSON.stringify({ endpoint: name, example, fields: [] }));
    const isCsv = request.headers['content-type'] === 'text/csv';
    const count = isCsv ? body.trim().split('\n').length - 1 : (JSON.parse(body) as typeof example).rows.length;
    const predictions = Array.from({ length: count }, (_, at) => ({ label: at, probabilities: [0.123456789, 0.9] }));
    response.end(JSON.stringify({ endpoint: name, model: 'fraud', version: '1', predictions }));
  }

  async function watch(response: ServerResponse, id: string): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify({ ...operationOf(id), state: 'running', progress: 'loading' })}\n\n`);
    await held;
    response.end(`data: ${JSON.stringify(operationOf(id))}\n\n`);
  }

  function startOperation(kind: Operation['kind'], subject: string, result: Record<string, unknown>): Operation {
    const id = `op${operations.size + 1}`;
    const ended: Operation = {
      id,
      kind,
      subject,
      state: 'succeeded',
      progress: 'done',
      result,
      problem: null,
      createdAt: now,
      createdBy: 'ana',
      finishedAt: now,
    };
    operations.set(id, ended);
    return { ...ended, state: 'running', progress: 'begun', result: null, finishedAt: null };
  }

  function operationOf(id: string): Operation {
    return operations.get(id) ?? missing('operation_not_found', id);
  }
  function known(model: string): { versions: Version[]; aliases: Record<string, number> } {
    return models.get(model) ?? missing('model_not_found', model);
  }
  function versionOf(model: string, number: number): Version {
    return known(model).versions[number - 1] ?? missing('version_not_found', `${model}:${number}`);
  }
  function endpointOf(name: string): Endpoint {
    return endpoints.get(name) ?? missing('endpoint_not_found', `there is no endpoint ${name}`);
  }
  function uploadOf(id: string): { sizeBytes: number; sha256: string; parts: Map<number, Buffer> } {
    return uploads.get(id) ?? missing('upload_not_found', id);
  }
  function modelDocument(name: string): object {
    const { versions, aliases } = known(name);
    return {
      name,
      team: 'default',
      description: '',
      tags: {},
      latestVersion: versions.length === 0 ? null : versions.length,
      aliases,
      createdAt: now,
      createdBy: 'ana',
    };
  }
  function uploadDocument(id: string): object {
    const { sizeBytes, sha256, parts } = uploadOf(id);
    return {
      id,
      sizeBytes,
      sha256,
      partBytes,
      received: [...parts.keys()],
      state: objects.has(sha256) ? 'completed' : 'open',
      createdAt: now,
      expiresAt: now,
    };
  }

  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    token,
    seen,
    failNext: (route, code, message) => void failures.set(route, new MusterError(code, message)),
    holdOperations: (until) => {
      held = until;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

function missing(code: ErrorCode, message: string): never {
  throw new MusterError(code, message);
}

function findRoute(
  method: string,
  path: string,
): { readonly name: RouteName; readonly route: Route; readonly params: Record<string, string> } | undefined {
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const match = new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(path);
    if (match === null || route.method !== method) continue;
    const params = Object.entries(match.groups ?? {}).map(([key, value]): [string, string] => [
      key,
      decodeURIComponent(value),
    ]);
    return { name, route, params: Object.fromEntries(params) };
  }
  return undefined;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
