import { checks, requiredLevels, rubricEdition } from '@muster-ml/protocol';
import type { Handlers } from '../identity/index.ts';
import { type EvidenceRoute, evidenceRoutes } from './evidence-routes.ts';
import type { Readiness } from './readiness.ts';

export type ReadinessRoute =
  | EvidenceRoute
  | 'rubricGet'
  | 'endpointReadiness'
  | 'versionReadiness'
  | 'standingEvents'
  | 'submit'
  | 'submissionList'
  | 'submissionGet'
  | 'submissionApprove'
  | 'submissionReject';

/** Routes over what production asks for, what is there, and who answers for it. */
export function readinessRoutes(
  readiness: Readiness,
  authorizeRubric: (caller: Parameters<Handlers<'rubricGet'>['rubricGet']>[0]['caller']) => void,
): Handlers<ReadinessRoute> {
  return {
    ...evidenceRoutes(readiness.evidence),
    rubricGet: async ({ caller }) => {
      authorizeRubric(caller);
      return await Promise.resolve(rubricOf(readiness.environment));
    },
    endpointReadiness: async ({ caller, params, query }) =>
      await readiness.readEndpoint(caller, params.endpoint, query.version),
    versionReadiness: async ({ caller, params }) => await readiness.readVersion(caller, params.model, params.version),
    standingEvents: async ({ caller, params, query }) => {
      const { items, next } = await readiness.listStandingEvents(caller, params.endpoint, query);
      return { items: [...items], next };
    },
    submit: async ({ caller, params, body }) => await readiness.submit(caller, params.endpoint, body),
    submissionList: async ({ caller, query }) => {
      const { items, next } = await readiness.listSubmissions(caller, query);
      return { items: [...items], next };
    },
    submissionGet: async ({ caller, params }) => await readiness.getSubmission(caller, params.submission),
    submissionApprove: async ({ caller, params, body }) => await readiness.approve(caller, params.submission, body),
    submissionReject: async ({ caller, params, body }) => await readiness.reject(caller, params.submission, body),
  };
}

function rubricOf(environment: string) {
  return {
    edition: rubricEdition,
    required: { ...requiredLevels(environment) },
    checks: checks.map(({ judge: _judge, attestedWhereObserved: _attested, appliesTo, ...check }) => ({
      ...check,
      appliesTo: [...appliesTo],
    })),
  };
}
