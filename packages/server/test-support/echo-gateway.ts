import { type IncomingHttpHeaders, type Server, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Signature, type Tensor, type TensorSpec, MusterError } from '@muster-ml/protocol';
import type { FaceDependencies, FaceLimits, Observation, PredictRequest, Prediction } from '../src/serving/faces.ts';
import { createInferenceHandler } from '../src/serving/inference-handler.ts';
import type { RoutedDeployment, RoutedEndpoint } from '../src/serving/routing-table.ts';

/** Sees every endpoint but `hidden`, and may call those but `seen-only`; `limited` and `used-up` refuse by their limits. */
export const token = 'echo-token';

/** What the twin of serving does with a request; by default it echoes inputs as outputs. */
export type Behaviour = (request: PredictRequest, echo: () => Prediction) => Promise<Prediction> | Prediction;

export interface EchoGateway {
  readonly port: number;
  readonly observations: readonly Observation[];
  readonly requests: readonly PredictRequest[];
  /** What was counted as refused: action and endpoint. */
  readonly refused: readonly string[];
  /** False: `/v2/health/ready` and every model are not ready. */
  isReady: boolean;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** POSTs JSON to `/v2/models/{endpoint}/infer`. */
  infer(endpoint: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  connections(): Promise<number>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | readonly Uint8Array[];
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  json(): unknown;
}

/** An endpoint whose version takes and gives these tensors. */
export function echoEndpoint(
  name: string,
  inputs: readonly TensorSpec[],
  more: Partial<RoutedEndpoint & RoutedDeployment & Signature> = {},
): RoutedEndpoint {
  const outputs = more.outputs ?? inputs.map((spec) => ({ ...spec, name: `${spec.name}_out` }));
  const { features, labels, primary, timeoutMs = 5000, bodyBytes = 1024 * 1024, maxRows } = more;
  const signature: Signature = { inputs, outputs, features, labels, primary };
  const deployment = (role: RoutedDeployment['role'], version: string): RoutedDeployment => ({
    id: `${name}-${version}`,
    role,
    sharePercent: role === 'live' ? 100 : 0,
    model: `model-of-${name}`,
    version,
    runtime: 'onnx',
    digest: '0'.repeat(64),
    signature,
    maxRows: maxRows ?? 64,
    ...(maxRows === undefined ? {} : { maxRequestRows: maxRows }),
    waitMs: 0,
    replicas: [],
  });
  return {
    name,
    team: 'default',
    timeoutMs,
    bodyBytes,
    queue: 16,
    deployments: more.deployments ?? [deployment('live', '3'), deployment('canary', '4')],
  };
}

/** The faces on a real server on loopback, with a twin of everything behind them. */
export async function startEchoGateway(
  endpoints: readonly RoutedEndpoint[],
  behaviours: Readonly<Record<string, Behaviour>> = {},
  limits: Partial<FaceLimits> = {},
): Promise<EchoGateway> {
  const observations: Observation[] = [];
  const requests: PredictRequest[] = [];
  const refused: string[] = [];
  const byName = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  let ids = 0;
  let isReady = true;
  const dependencies: FaceDependencies = {
    directory: { find: (name) => byName.get(name), endpoints: () => byName.values() },
    admission: {
      authenticate: (given) => {
        if (given === undefined) throw new MusterError('token_missing', 'the request carries no token');
        if (given !== token) throw new MusterError('token_invalid', 'the token is not known here');
        const reach = { teams: '*', endpoints: [] } as const;
        return { digest: '', tokenId: 't', actor: 'a', expiresAt: null, see: reach, predict: reach };
      },
      sees: (_grant, { name }) => name !== 'hidden',
      mayPredict: (_grant, { name }) => name !== 'hidden' && name !== 'seen-only',
      seesEverything: () => false,
    },
    attempts: { judge: (_request, _response, error) => error },
    denials: { note: (_grant, action, object) => void refused.push(`${action} ${object}`) },
    callLimits: {
      admit: (name) => {
        if (name === 'limited') throw new MusterError('rate_limited', 'too often', { retryAfterSeconds: 1.2 });
        if (name === 'used-up') throw new MusterError('quota_exceeded', 'too many', { retryAfterSeconds: 3600 });
      },
    },
    readiness: { server: () => isReady, deployment: () => isReady },
    predictor: {
      pick: (endpoint, version) => {
        const found = endpoint.deployments.find((one) =>
          version === undefined ? one.role === 'live' : one.version === version,
        );
        if (found !== undefined) return found;
        if (version === undefined)
          throw new MusterError('endpoint_not_ready', 'there is no live version', { retryAfterSeconds: 1 });
        throw new MusterError('version_not_deployed', 'the version is not deployed');
      },
      predict: async (request) => {
        requests.push(request);
        const echo = (): Prediction => ({
          deployment: request.deployment,
          outputs: echoed(request),
          runMicros: 10,
          queueMicros: 1,
        });
        return (await behaviours[request.endpoint.name]?.(request, echo)) ?? echo();
      },
    },
    observer: { observe: (observation) => observations.push(observation) },
    softwareVersion: '1.2.3',
    newRequestId: () => `made-${++ids}`,
    limits: { bodyTimeoutMs: 5000, bodyBytesInFlight: 256 * 1024 * 1024, ...limits },
  };
  const handle = createInferenceHandler(dependencies);
  const server = createServer((request, response) => {
    if (!handle(request, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
    send(port, method, path, options);
  return {
    port,
    observations,
    requests,
    refused,
    get isReady() {
      return isReady;
    },
    set isReady(value) {
      isReady = value;
    },
    call,
    infer: (endpoint, body, headers = {}) =>
      call('POST', `/v2/models/${endpoint}/infer`, {
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    connections: () => connectionsOf(server),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function echoed({ inputs, outputs, deployment }: PredictRequest): Tensor[] {
  const all = deployment.signature.outputs.map((spec, index): Tensor => {
    const input = inputs[index % inputs.length];
    if (input === undefined) throw new MusterError('model_failed', 'nothing to echo');
    return { name: spec.name, datatype: input.datatype, shape: input.shape, bytes: input.bytes };
  });
  return outputs === undefined ? all : outputs.flatMap((name) => all.filter((tensor) => tensor.name === name));
}

function send(port: number, method: string, path: string, { headers = {}, body }: CallOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        port,
        host: '127.0.0.1',
        method,
        path,
        agent: false,
        headers: { authorization: `Bearer ${token}`, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            json: () => JSON.parse(whole.toString()) as unknown,
          });
        });
      },
    );
    request.on('error', reject);
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) request.end(body);
    else {
      for (const chunk of body) request.write(chunk);
      request.end();
    }
  });
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
