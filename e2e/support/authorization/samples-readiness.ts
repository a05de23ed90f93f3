import type { Action } from '@muster-ml/protocol';
import { type Names, type Sample, type Samples, type Step, ofInstallation, refused } from './sample.ts';

const hiddenEndpoint = { status: 404, code: 'endpoint_not_found' } as const;

const onEndpoint =
  (action: Action) =>
  ({ team, endpoint }: Names): readonly Step[] => [
    { action, target: { kind: 'endpoint', team, endpoint }, hidden: hiddenEndpoint },
  ];
const ofEndpoint = (action: Action): Pick<Sample, 'steps' | 'hides'> => ({
  steps: onEndpoint(action),
  hides: 'endpoint',
});
const onlyEndpoint = ({ endpoint }: Names) => ({ params: { endpoint } });

const onUseCase =
  (action: Action) =>
  ({ team }: Names): readonly Step[] => [
    { action, target: { kind: 'usecase', team }, hidden: { status: 404, code: 'usecase_not_found' } },
  ];
const ofUseCase = (action: Action): Pick<Sample, 'steps' | 'hides'> => ({ steps: onUseCase(action), hides: 'useCase' });

/** It is of another endpoint than the one that the others are about. */
const onSubmission =
  (action: Action) =>
  ({ team }: Names): readonly Step[] => [
    {
      action,
      target: { kind: 'submission', team, endpoint: 'own-ready-endpoint' },
      hidden: { status: 404, code: 'submission_not_found' },
    },
  ];
const ofSubmission = (action: Action): Pick<Sample, 'steps' | 'hides'> => ({
  steps: onSubmission(action),
  hides: 'submission',
});

const inListOf = (action: Action): Pick<Sample, 'request' | 'steps'> => ({
  request: () => ({ query: { limit: '1000' } }),
  steps: () => [{ action }],
});

const yes = { answer: 'yes' } as const;
const answers = { decision: yes, baseline: yes, labels: yes, volume: yes, tolerance: yes, rule: yes };
const reason = 'It is asked for to see who may.';
const decided = [{ status: 200 }, { status: 409, code: 'waiver_state' }] as const;
const inAnyState = [{ status: 200 }, { status: 412 }] as const;

/** Samples of the routes of use cases, readiness, drills, observed endpoints, notifications and insights. */
export const readinessSamples: Samples<
  | 'useCaseList'
  | 'useCasePropose'
  | 'useCaseGet'
  | 'useCaseUpdate'
  | 'useCaseReview'
  | 'useCaseAccept'
  | 'useCaseDecline'
  | 'useCaseRetire'
  | 'rubricGet'
  | 'endpointReadiness'
  | 'versionReadiness'
  | 'standingEvents'
  | 'submit'
  | 'submissionList'
  | 'submissionGet'
  | 'submissionApprove'
  | 'submissionReject'
  | 'evidenceList'
  | 'evidenceAttest'
  | 'waiverList'
  | 'waiverRequest'
  | 'waiverApprove'
  | 'waiverReject'
  | 'waiverRevoke'
  | 'drillStart'
  | 'drillScheduleList'
  | 'drillScheduleSet'
  | 'drillScheduleEnd'
  | 'observedList'
  | 'observedCreate'
  | 'observedImport'
  | 'observedGet'
  | 'observedUpdate'
  | 'observationPush'
  | 'notificationList'
  | 'notificationTest'
  | 'insightsTime'
> = {
  useCaseList: [
    {
      ...inListOf('usecase.read'),
      list: {
        keyOf: (useCase: { readonly name: string }) => useCase.name,
        all: ({ useCases }) => useCases.map(({ name, team }) => ({ key: name, target: { kind: 'usecase', team } })),
      },
    },
  ],
  useCasePropose: [
    {
      request: ({ useCase, team }) => ({ body: { name: useCase, team, title: 'Again', problem: 'The same.' } }),
      steps: ({ team }) => [
        {
          action: 'usecase.propose',
          target: { kind: 'usecase', team },
          hidden: { status: 404, code: 'team_not_found' },
        },
      ],
      allowed: [{ status: 409, code: 'usecase_exists' }],
      hides: 'team',
    },
  ],
  useCaseGet: [{ request: ({ useCase }) => ({ params: { useCase } }), ...ofUseCase('usecase.read') }],
  useCaseUpdate: [
    {
      request: ({ useCase }) => ({
        params: { useCase },
        body: { title: 'x' },
        headers: { 'if-match': '"9999"' },
      }),
      ...ofUseCase('usecase.update'),
      allowed: [{ status: 412, code: 'stale_revision' }],
    },
  ],
  useCaseReview: [
    {
      request: ({ useCase }) => ({ params: { useCase }, body: { answers } }),
      ...ofUseCase('usecase.review'),
      allowed: inAnyState,
    },
  ],
  useCaseAccept: [
    {
      request: ({ useCase }) => ({ params: { useCase }, body: { reason, riskTier: 'minimal' } }),
      ...ofUseCase('usecase.decide'),
      allowed: inAnyState,
    },
  ],
  useCaseDecline: [
    {
      request: ({ useCase }) => ({ params: { useCase }, body: { reason } }),
      ...ofUseCase('usecase.decide'),
      allowed: inAnyState,
    },
  ],
  useCaseRetire: [
    {
      request: ({ useCase }) => ({ params: { useCase }, body: { reason } }),
      ...ofUseCase('usecase.retire'),
      allowed: inAnyState,
    },
  ],

  rubricGet: [
    { request: () => ({}), steps: () => [{ action: 'installation.read', target: ofInstallation, hidden: refused }] },
  ],
  endpointReadiness: [{ request: onlyEndpoint, ...ofEndpoint('readiness.read') }],
  versionReadiness: [
    {
      request: ({ model }) => ({ params: { model, version: '1' } }),
      steps: ({ team }) => [
        {
          action: 'version.read',
          target: { kind: 'model', team },
          hidden: { status: 404, code: 'model_not_found' },
        },
      ],
      hides: 'model',
    },
  ],
  standingEvents: [{ request: onlyEndpoint, ...ofEndpoint('readiness.read') }],
  submit: [
    {
      // Nobody accepted a use case of it.
      request: ({ endpoint }) => ({ params: { endpoint }, body: {} }),
      ...ofEndpoint('readiness.submit'),
      allowed: [{ status: 412, code: 'not_ready' }],
    },
  ],
  submissionList: [
    {
      ...inListOf('readiness.read'),
      list: {
        keyOf: (submission: { readonly id: string }) => submission.id,
        all: ({ submissions }) =>
          submissions.map(({ id, team, endpoint }) => ({ key: id, target: { kind: 'submission', team, endpoint } })),
      },
    },
  ],
  submissionGet: [
    {
      request: ({ submission }) => ({ params: { submission } }),
      ...ofSubmission('readiness.read'),
    },
  ],
  submissionApprove: [
    {
      request: ({ submission }) => ({ params: { submission }, body: { reason, evidenceDigest: 'none' } }),
      ...ofSubmission('readiness.approve'),
      // A sandbox asks for no approval: it was granted at once.
      allowed: [{ status: 409, code: 'submission_ended' }],
    },
  ],
  submissionReject: [
    {
      request: ({ submission }) => ({ params: { submission }, body: { reason } }),
      ...ofSubmission('readiness.approve'),
      allowed: [{ status: 409, code: 'submission_ended' }],
    },
  ],
  evidenceList: [{ request: onlyEndpoint, ...ofEndpoint('readiness.read') }],
  evidenceAttest: [
    {
      request: ({ endpoint }) => ({
        params: { endpoint },
        body: { check: 'R07', statement: 'I looked at it myself, and it is so.' },
      }),
      ...ofEndpoint('evidence.attest'),
      allowed: [{ status: 412, code: 'check_not_attested' }],
    },
  ],
  waiverList: [{ request: onlyEndpoint, ...ofEndpoint('readiness.read') }],
  waiverRequest: [
    {
      request: ({ endpoint }) => ({ params: { endpoint }, body: { check: 'R01', reason, until: inTenDays() } }),
      ...ofEndpoint('waiver.request'),
      allowed: [{ status: 412, code: 'waiver_not_allowed' }],
    },
  ],
  waiverApprove: [
    {
      request: ({ endpoint, waiver }) => ({ params: { endpoint, waiver }, body: { reason } }),
      ...ofEndpoint('waiver.decide'),
      allowed: decided,
    },
  ],
  waiverReject: [
    {
      request: ({ endpoint, waiver }) => ({ params: { endpoint, waiver }, body: { reason } }),
      ...ofEndpoint('waiver.decide'),
      allowed: decided,
    },
  ],
  waiverRevoke: [
    {
      request: ({ endpoint, waiver }) => ({ params: { endpoint, waiver }, body: { reason } }),
      ...ofEndpoint('waiver.revoke'),
      allowed: decided,
    },
  ],

  drillStart: [
    {
      // It has no objective.
      request: ({ endpoint }) => ({ params: { endpoint }, body: { kind: 'load', seconds: 2 } }),
      ...ofEndpoint('drill.run'),
      allowed: [{ status: 412, code: 'drill_impossible' }],
    },
  ],
  drillScheduleList: [{ request: onlyEndpoint, ...ofEndpoint('readiness.read') }],
  drillScheduleSet: [
    {
      request: ({ endpoint }) => ({ params: { endpoint, kind: 'load' }, body: { everyDays: 30 } }),
      ...ofEndpoint('drill.run'),
    },
  ],
  drillScheduleEnd: [
    {
      request: ({ endpoint }) => ({ params: { endpoint, kind: 'load' } }),
      ...ofEndpoint('drill.run'),
      allowed: [{ status: 204 }, { status: 404, code: 'drill_schedule_not_found' }],
    },
  ],

  observedList: [
    {
      ...inListOf('endpoint.read'),
      list: {
        keyOf: (observed: { readonly name: string }) => observed.name,
        all: () => [],
      },
    },
  ],
  observedCreate: [
    {
      request: ({ endpoint, team }) => ({ body: { name: endpoint, team, platform: 'elsewhere' } }),
      steps: ({ team, endpoint }) => [
        {
          action: 'endpoint.observe',
          target: { kind: 'endpoint', team, endpoint },
          hidden: { status: 404, code: 'team_not_found' },
        },
      ],
      allowed: [{ status: 409, code: 'endpoint_exists' }],
      hides: 'team',
    },
  ],
  // Each item is answered by itself.
  observedImport: [
    {
      request: ({ endpoint, team }) => ({
        body: { source: 'hand', items: [{ name: endpoint, team, platform: 'elsewhere' }] },
      }),
      steps: () => [{ action: 'endpoint.observe' }],
    },
  ],
  observedGet: [
    {
      request: onlyEndpoint,
      ...ofEndpoint('endpoint.read'),
      allowed: [{ status: 412, code: 'endpoint_served' }],
    },
  ],
  observedUpdate: [
    {
      request: ({ endpoint }) => ({ params: { endpoint }, body: { location: 'elsewhere' } }),
      ...ofEndpoint('endpoint.observe'),
      allowed: [{ status: 412, code: 'endpoint_served' }],
    },
  ],
  observationPush: [
    {
      request: ({ endpoint }) => ({
        params: { endpoint },
        body: { from: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z', requests: 1, errors: 0 },
      }),
      ...ofEndpoint('endpoint.report'),
      allowed: [{ status: 412, code: 'endpoint_served' }],
    },
  ],

  notificationList: [{ ...inListOf('notification.read') }],
  notificationTest: [
    { request: () => ({}), steps: () => [{ action: 'notification.test', target: ofInstallation, hidden: refused }] },
  ],
  insightsTime: [{ request: () => ({}), steps: () => [{ action: 'insights.read' }] }],
};

function inTenDays(): string {
  return new Date(Date.now() + 10 * 86_400_000).toISOString();
}
