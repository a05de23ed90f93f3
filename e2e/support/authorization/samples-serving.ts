import type { Action } from '@muster-ml/protocol';
import type { Names, Owners, Sample, Samples, Step } from './sample.ts';

const onEndpoint =
  (action: Action) =>
  ({ team, endpoint }: Names): readonly Step[] => [
    { action, target: { kind: 'endpoint', team, endpoint }, hidden: { status: 404, code: 'endpoint_not_found' } },
  ];
const ofEndpoint = (action: Action): Pick<Sample, 'steps' | 'hides'> => ({
  steps: onEndpoint(action),
  hides: 'endpoint',
});
const onScore =
  (action: Action) =>
  ({ team, endpoint }: Names, { scientist }: Owners): readonly Step[] => [
    {
      action,
      target: { kind: 'score', team, endpoint, owner: scientist },
      hidden: { status: 404, code: 'score_not_found' },
    },
  ];
const ofScore = (action: Action): Pick<Sample, 'steps' | 'hides'> => ({ steps: onScore(action), hides: 'score' });
const onlyEndpoint = ({ endpoint }: Names) => ({ params: { endpoint } });
const onlyScore = ({ score }: Names) => ({ params: { score } });
const endpoints: Sample['list'] = {
  keyOf: (endpoint: { readonly name: string }) => endpoint.name,
  all: (known) =>
    known.endpoints.map(({ name, team }) => ({ key: name, target: { kind: 'endpoint', team, endpoint: name } })),
};
const anyDigest = 'a'.repeat(64);

/** Samples of the routes of endpoints, deployments, what they follow, scores, and who calls. */
export const servingSamples: Samples<
  | 'endpointList'
  | 'fleetList'
  | 'historyList'
  | 'endpointGet'
  | 'endpointUpdate'
  | 'endpointDelete'
  | 'endpointEvents'
  | 'endpointCallers'
  | 'endpointRestart'
  | 'followGet'
  | 'followSet'
  | 'followEnd'
  | 'deploy'
  | 'deploymentEnd'
  | 'promote'
  | 'rollback'
  | 'scoreStart'
  | 'scoreList'
  | 'scoreGet'
  | 'scoreResult'
  | 'scoreErrors'
  | 'scoreDelete'
> = {
  endpointList: [
    { request: () => ({ query: { limit: '1000' } }), steps: () => [{ action: 'endpoint.read' }], list: endpoints },
  ],
  fleetList: [
    { request: () => ({ query: { limit: '1000' } }), steps: () => [{ action: 'endpoint.read' }], list: endpoints },
  ],
  historyList: [
    {
      request: () => ({ query: { limit: '1000' } }),
      steps: () => [{ action: 'history.read' }],
      list: {
        keyOf: (interval: { readonly endpoint: string }) => interval.endpoint,
        // Times belong to the team that the endpoint was of, whatever has its name now.
        all: (known) =>
          known.endpoints.map(({ name, team }) => ({ key: name, target: { kind: 'endpoint', team, endpoint: name } })),
      },
    },
  ],
  endpointGet: [{ request: onlyEndpoint, ...ofEndpoint('endpoint.read') }],
  endpointUpdate: [
    {
      request: ({ endpoint }) => ({
        params: { endpoint },
        body: { description: 'x' },
        headers: { 'if-match': '"9999"' },
      }),
      ...ofEndpoint('endpoint.update'),
      allowed: [{ status: 412, code: 'stale_revision' }],
    },
  ],
  endpointDelete: [
    {
      request: onlyEndpoint,
      ...ofEndpoint('endpoint.delete'),
      prepare: async (maker) => ({ endpoint: await maker.endpoint() }),
    },
  ],
  endpointEvents: [{ request: onlyEndpoint, ...ofEndpoint('endpoint.logs') }],
  endpointCallers: [{ request: onlyEndpoint, ...ofEndpoint('endpoint.callers') }],
  endpointRestart: [{ request: onlyEndpoint, ...ofEndpoint('endpoint.deploy') }],
  followGet: [
    { request: onlyEndpoint, ...ofEndpoint('endpoint.read'), allowed: [{ status: 404, code: 'follow_not_found' }] },
  ],
  followSet: [
    {
      request: ({ endpoint }) => ({
        params: { endpoint },
        body: { server: 'http://127.0.0.1:1', sourceModel: 'm', alias: 'champion' },
      }),
      ...ofEndpoint('endpoint.deploy'),
      allowed: [{ status: 412, code: 'mlflow_unknown_server' }],
    },
  ],
  followEnd: [
    { request: onlyEndpoint, ...ofEndpoint('endpoint.deploy'), allowed: [{ status: 404, code: 'follow_not_found' }] },
  ],
  deploy: [
    {
      // Version 2 takes other inputs than what is live: whoever may deploy is told so.
      request: ({ endpoint, model }) => ({ params: { endpoint }, body: { model, version: 2 } }),
      steps: (names) => [
        {
          action: 'version.read',
          target: { kind: 'model', team: names.team },
          hidden: { status: 404, code: 'model_not_found' },
        },
        ...onEndpoint('endpoint.deploy')(names),
      ],
      allowed: [{ status: 409, code: 'signature_breaks_callers' }],
      hides: 'model',
    },
  ],
  deploymentEnd: [
    {
      request: ({ endpoint }) => ({ params: { endpoint, deployment: 'none' } }),
      ...ofEndpoint('endpoint.deploy'),
      allowed: [{ status: 404, code: 'deployment_not_found' }],
    },
  ],
  promote: [
    {
      request: onlyEndpoint,
      ...ofEndpoint('endpoint.promote'),
      allowed: [{ status: 412, code: 'nothing_to_promote' }],
    },
  ],
  rollback: [
    {
      request: ({ endpoint }) => ({ params: { endpoint }, body: {} }),
      ...ofEndpoint('endpoint.rollback'),
      allowed: [{ status: 412, code: 'nothing_to_roll_back' }],
    },
  ],
  scoreStart: [
    {
      request: ({ endpoint }) => ({ params: { endpoint }, body: { digest: anyDigest, format: 'csv' } }),
      ...ofEndpoint('endpoint.score'),
      allowed: [{ status: 404, code: 'object_not_found' }],
    },
  ],
  scoreList: [{ request: onlyEndpoint, ...ofEndpoint('score.read') }],
  scoreGet: [{ request: onlyScore, ...ofScore('score.read') }],
  scoreResult: [{ request: onlyScore, ...ofScore('score.read') }],
  scoreErrors: [{ request: onlyScore, ...ofScore('score.read') }],
  scoreDelete: [
    {
      request: onlyScore,
      ...ofScore('score.delete'),
      prepare: async (maker, holder) => ({
        score: await maker.score(holder.teams['own']?.includes('data-scientist') === true ? holder : undefined),
      }),
    },
  ],
};
