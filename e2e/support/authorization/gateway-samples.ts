import type { Action } from '@muster-ml/protocol';

/** One request to the data plane about an endpoint. */
export interface GatewaySample {
  readonly method: 'GET' | 'POST';
  readonly path: (endpoint: string) => string;
  /** What it takes; reading is also for who may call. */
  readonly action: Extract<Action, 'endpoint.read' | 'endpoint.predict'>;
  readonly body?: object;
  readonly allowed: number;
  /** Its errors are bare, as in a HEAD or where the protocol has no codes. */
  readonly hasCode: boolean;
}

const tensor = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] };
const read = (path: (endpoint: string) => string, allowed = 200, hasCode = true): GatewaySample => ({
  method: 'GET',
  path,
  action: 'endpoint.read',
  allowed,
  hasCode,
});
const predict = (path: (endpoint: string) => string, body: object, hasCode = true): GatewaySample => ({
  method: 'POST',
  path,
  action: 'endpoint.predict',
  body,
  allowed: 200,
  hasCode,
});

/** Every operation on an endpoint of every protocol of the gateway. */
export const gatewaySamples: readonly GatewaySample[] = [
  read((endpoint) => `/v2/models/${endpoint}`),
  read((endpoint) => `/v2/models/${endpoint}/versions/1`),
  read((endpoint) => `/v2/models/${endpoint}/ready`),
  read((endpoint) => `/v2/models/${endpoint}/versions/1/ready`),
  read((endpoint) => `/v2/models/${endpoint}/config`, 501),
  read((endpoint) => `/v2/models/${endpoint}/stats`, 501),
  predict((endpoint) => `/v2/models/${endpoint}/infer`, tensor),
  predict((endpoint) => `/v2/models/${endpoint}/versions/1/infer`, tensor),
  read((endpoint) => `/predict/${endpoint}`),
  predict((endpoint) => `/predict/${endpoint}`, { rows: [{ f0: 1, f1: 2, f2: 3 }] }),
  predict((endpoint) => `/endpoints/${endpoint}/invocations`, { inputs: { x: [[1, 2, 3]] } }, false),
  read((endpoint) => `/endpoints/${endpoint}/ping`, 200, false),
  read((endpoint) => `/endpoints/${endpoint}/health`, 200, false),
  read((endpoint) => `/endpoints/${endpoint}/version`, 200, false),
];

/** Lists of endpoints, and the names in an answer. */
export const gatewayLists: readonly { readonly path: string; readonly namesIn: (body: string) => readonly string[] }[] =
  [
    { path: '/v2/models', namesIn: (body) => (JSON.parse(body) as { readonly models: readonly string[] }).models },
    {
      path: '/predict',
      namesIn: (body) =>
        (JSON.parse(body) as { readonly endpoints: readonly { readonly name: string }[] }).endpoints.map(
          ({ name }) => name,
        ),
    },
  ];

/** What needs a token and is about no endpoint, with the answer to whoever has one. */
export const gatewayTokenOnly: readonly { readonly path: string; readonly allowed: number }[] = [
  { path: '/v2/repository/index', allowed: 501 },
  { path: '/v2/models/stats', allowed: 501 },
];

/** What is for everybody: nothing in it is about anybody. */
export const gatewayPublic: readonly string[] = ['/livez', '/readyz', '/v2', '/v2/health/live', '/v2/health/ready'];
