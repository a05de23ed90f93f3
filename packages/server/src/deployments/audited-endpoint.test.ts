import { expect, test } from 'vitest';
import { aState } from '../../test-support/deployments/traffic-states.ts';
import { digestOf } from '../ledger/index.ts';
import { auditedDigest } from './audited-endpoint.ts';
import type { EndpointRecord } from './endpoint.ts';

const state = aState();
const { endpoint } = state;

test('of an endpoint that says nothing new is what it was before endpoints had owners', () => {
  const { id, name, team, description, tags, limits } = endpoint;
  const before = digestOf({ id, name, team, description, tags, limits, deleted: false, deployments: [] });
  expect(auditedDigest(state)).toBe(before);
});

test.each<Partial<EndpointRecord>>([
  { owner: 'bob' },
  { kind: 'observed' },
  { useCaseId: 'u1' },
  { runbook: 'https://wiki.example.com/fraud' },
  { objective: { latencyMs: 0.5, percentile: 95, errorPercent: 1, requestsPerSecond: 10 } },
])('changes with %o', (change) => {
  expect(auditedDigest({ ...state, endpoint: { ...endpoint, ...change } })).not.toBe(auditedDigest(state));
});
