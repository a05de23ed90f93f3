import { type EvidenceFacts, type Facts, dayMs, servingSettingsSchema } from '@muster-ml/protocol';

/** A time of no interest, in milliseconds. */
export const now = 1_795_000_000_000;

/** Evidence of ten days ago that passed. */
export function evidenceFor(check: string, given: Partial<EvidenceFacts> = {}): EvidenceFacts {
  return {
    id: `evidence-${check}`,
    check,
    source: 'drill',
    by: 'a1',
    passed: true,
    summary: 'it went well',
    at: now - 10 * dayMs,
    version: { model: 'churn', number: 2 },
    figures: {},
    ...given,
  };
}

const objective = { latencyMs: 200, percentile: 95, errorPercent: 1, requestsPerSecond: 20 };

export const figuresOfLoad = {
  objectiveLatencyMs: 200,
  objectivePercentile: 95,
  objectiveErrorPercent: 1,
  objectiveRequestsPerSecond: 20,
};

/** An endpoint of which every check holds. */
export const sound: Facts = {
  now,
  environment: 'prod',
  endpoint: { name: 'fraud', team: 'risk', kind: 'served', objective, runbook: 'https://wiki.example.org/fraud' },
  owner: { id: 'a1', name: 'ana', isPerson: true, isActive: true, isMember: true, seenAt: now - dayMs },
  useCase: { name: 'card-fraud', state: 'accepted', riskTier: 'limited', decidedAt: now - 30 * dayMs },
  version: {
    model: 'churn',
    number: 2,
    digest: '0'.repeat(64),
    facts: {
      format: 'onnx',
      sizeBytes: 1,
      producer: 'skl2onnx',
      irVersion: 8,
      opsets: {},
      operators: {},
      parameterCount: 1,
      metadata: {},
      adaptations: [],
    },
    hasSignature: true,
    hasSample: true,
    createdAt: now - 20 * dayMs,
    createdBy: 'a1',
  },
  deployment: {
    role: 'live',
    settings: servingSettingsSchema.parse({}),
    isReady: true,
    sampleProvenAt: now - dayMs,
    problem: null,
  },
  isFirstVersion: false,
  comparisons: [{ role: 'canary', from: now - 5 * dayMs, until: now - 4 * dayMs, requests: 1000, errors: 3 }],
  access: [],
  evidence: [
    evidenceFor('R20', { figures: figuresOfLoad }),
    evidenceFor('R21'),
    evidenceFor('R22'),
    evidenceFor('R29', { source: 'person', figures: { runbook: 'https://wiki.example.org/fraud' } }),
  ],
  waivers: [],
  review: {
    submission: 's1',
    subjectDigest: 'subject',
    approvalsNeeded: 1,
    approvals: [{ by: 'a2', at: now - 3 * dayMs }],
    authors: ['a1'],
  },
  subjectDigest: 'subject',
};
