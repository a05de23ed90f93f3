import { MusterError } from '@muster-ml/protocol';
import type { FaceDependencies } from '../faces.ts';
import type { Exchange } from '../http/exchange.ts';
import type { ErrorRenderer } from '../http/exchange.ts';
import { pathSegments } from '../http/path-segments.ts';
import { allowMethod, callableEndpoint, grantOf, visibleEndpoint } from '../http/visible-endpoint.ts';
import { infer } from './infer.ts';
import { describedDeployment, modelMetadata, serverMetadata } from './metadata.ts';

/**
 * Errors as clients of the protocol read them: the type exactly `application/json` (with a charset one client drops the
 * message), and one text under `error` (without it another reports that it cannot decode).
 */
export const renderOipError: ErrorRenderer = (error) => ({
  contentType: 'application/json',
  body: JSON.stringify({ error: `${error.code}: ${error.message}. ${error.remedy}` }),
});

/**
 * Answers everything under `/v2`: the HTTP side of Open Inference Protocol v2. Throws or rejects with what the answer is
 * to say; only inference takes time, and only it makes promises.
 */
export function answerOip(exchange: Exchange, dependencies: FaceDependencies): Promise<void> | undefined {
  const [, first, ...rest] = pathSegments(exchange.request.url ?? '');
  switch (first) {
    case undefined:
      answerServer(exchange, dependencies);
      return undefined;
    case 'health':
      answerHealth(exchange, rest, dependencies);
      return undefined;
    case 'models':
      return answerModels(exchange, rest, dependencies);
    case 'systemsharedmemory':
    case 'cudasharedmemory':
      answerSharedMemory(exchange, rest, dependencies);
      return undefined;
    case 'repository':
    case 'logging':
    case 'trace':
      grantOf(exchange, dependencies);
      throw notOffered(`/v2/${first}`);
    default:
      throw unknownRoute();
  }
}

function answerServer(exchange: Exchange, { softwareVersion }: FaceDependencies): void {
  exchange.operation = 'server_metadata';
  allowMethod(exchange, 'GET');
  exchange.sendJson(serverMetadata(softwareVersion));
}

function answerHealth(exchange: Exchange, [what, ...rest]: readonly string[], { readiness }: FaceDependencies): void {
  if (rest.length > 0) throw unknownRoute();
  switch (what) {
    case 'live':
      exchange.operation = 'server_live';
      allowMethod(exchange, 'GET');
      exchange.sendJson('{"live":true}');
      return;
    case 'ready':
      exchange.operation = 'server_ready';
      allowMethod(exchange, 'GET');
      if (!readiness.server())
        throw new MusterError('endpoint_not_ready', 'the server takes no requests now', { retryAfterSeconds: 1 });
      exchange.sendJson('{"ready":true,"live":true}');
      return;
    default:
      throw unknownRoute();
  }
}

function answerModels(
  exchange: Exchange,
  segments: readonly string[],
  dependencies: FaceDependencies,
): Promise<void> | undefined {
  const [name, ...rest] = segments;
  if (name === undefined) {
    answerList(exchange, dependencies);
    return undefined;
  }
  if (name === 'stats' && rest.length === 0) {
    grantOf(exchange, dependencies);
    throw notOffered('statistics');
  }
  const isVersioned = rest[0] === 'versions';
  const version = isVersioned ? rest[1] : undefined;
  const tail = isVersioned ? rest.slice(2) : rest;
  if ((isVersioned && (version === undefined || version === '')) || tail.length > 1) {
    throw tail[0] === 'trace' ? notOffered('tracing') : unknownRoute();
  }
  switch (tail[0]) {
    case 'infer': {
      exchange.operation = 'infer';
      allowMethod(exchange, 'POST');
      return infer(exchange, callableEndpoint(exchange, name, dependencies), version, dependencies);
    }
    case undefined: {
      exchange.operation = 'model_metadata';
      allowMethod(exchange, 'GET');
      const endpoint = visibleEndpoint(exchange, name, dependencies);
      const deployment = describedDeployment(endpoint, version);
      exchange.deployment = deployment;
      exchange.sendJson(modelMetadata(endpoint, deployment));
      return undefined;
    }
    case 'ready':
      answerModelReady(exchange, name, version, dependencies);
      return undefined;
    case 'config':
    case 'stats':
    case 'generate':
    case 'generate_stream':
    case 'infer_stream':
      visibleEndpoint(exchange, name, dependencies);
      throw notOffered(tail[0]);
    default:
      throw unknownRoute();
  }
}

function answerList(exchange: Exchange, dependencies: FaceDependencies): void {
  exchange.operation = 'model_list';
  allowMethod(exchange, 'GET');
  const grant = grantOf(exchange, dependencies);
  const models: string[] = [];
  for (const endpoint of dependencies.directory.endpoints())
    if (dependencies.admission.sees(grant, endpoint)) models.push(endpoint.name);
  exchange.sendJson(JSON.stringify({ models }));
}

function answerModelReady(
  exchange: Exchange,
  name: string,
  version: string | undefined,
  dependencies: FaceDependencies,
): void {
  exchange.operation = 'model_ready';
  allowMethod(exchange, 'GET');
  const endpoint = visibleEndpoint(exchange, name, dependencies);
  const deployment = describedDeployment(endpoint, version);
  exchange.deployment = deployment;
  if (!dependencies.readiness.deployment(deployment)) {
    throw new MusterError('endpoint_not_ready', `version ${deployment.version} of "${endpoint.name}" is not ready`, {
      retryAfterSeconds: 1,
    });
  }
  exchange.sendJson(JSON.stringify({ name: endpoint.name, ready: true }));
}

/** Clients ask for the state of shared memory and unregister it when they clean up: there is none, so both succeed. */
function answerSharedMemory(exchange: Exchange, segments: readonly string[], dependencies: FaceDependencies): void {
  exchange.operation = 'shared_memory';
  grantOf(exchange, dependencies);
  switch (segments.at(-1)) {
    case 'status':
      allowMethod(exchange, 'GET');
      exchange.sendJson('[]');
      return;
    case 'unregister':
      allowMethod(exchange, 'POST');
      exchange.sendJson('{}');
      return;
    default:
      throw notOffered('shared memory');
  }
}

function notOffered(what: string): MusterError {
  return new MusterError('not_offered', `${what} is not offered here`);
}

function unknownRoute(): MusterError {
  return new MusterError('route_not_found', 'there is no such route of the Open Inference Protocol', {
    remedy: 'POST /v2/models/{endpoint}/infer predicts; GET /v2/models lists the endpoints',
  });
}
