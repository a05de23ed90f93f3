import { describe, expect, test } from 'vitest';
import { aDeployment, aTable, anEndpoint } from '../../test-support/serving-twins.ts';
import { type AppliedTable, indexTable } from './applied-table.ts';
import type { Observation } from './faces.ts';
import { type ServingMetrics, createServingMetrics } from './metrics.ts';

const deployment = aDeployment('d', 'unix:/r', { model: 'say "hi"\\\n' });

function someMetrics(): { readonly metrics: ServingMetrics; readonly state: { nowMs: number; table: AppliedTable } } {
  const state = { nowMs: 0, table: indexTable(aTable(1, [anEndpoint('e', [deployment])])) };
  const metrics = createServingMetrics({
    table: () => state.table,
    load: () => [{ endpoint: 'e', deployment, waiting: 2, inFlight: 3 }],
    forwardsInFlight: () => 4,
    isControlConnected: () => true,
    clock: { now: () => state.nowMs, after: () => () => undefined },
  });
  return { metrics, state };
}

function anObservation(overrides: Partial<Observation> = {}): Observation {
  return {
    face: 'oip',
    requestId: 'r',
    method: 'POST',
    operation: 'infer',
    endpoint: 'e',
    call: undefined,
    deployment,
    status: 200,
    code: undefined,
    cause: undefined,
    rows: 1,
    requestBytes: 1,
    responseBytes: 1,
    durationMs: 3,
    runMicros: 1,
    queueMicros: 1,
    ...overrides,
  };
}

describe('metrics of the data plane', () => {
  test('count predictions by endpoint, version and status, and nothing that is no prediction', () => {
    const { metrics } = someMetrics();
    metrics.observe(anObservation());
    metrics.observe(anObservation({ status: 429, operation: 'invocations' }));
    metrics.observe(anObservation({ operation: 'model_ready' }));
    metrics.observe(anObservation({ endpoint: undefined }));
    const text = metrics.render();
    expect(text).toContain('muster_requests_total{endpoint="e",version="1",code="200",process="gateway"} 1\n');
    expect(text).toContain('muster_requests_total{endpoint="e",version="1",code="429",process="gateway"} 1\n');
    expect(text).toContain(
      'muster_request_duration_seconds_bucket{endpoint="e",version="1",le="0.0025",process="gateway"} 0\n',
    );
    expect(text).toContain(
      'muster_request_duration_seconds_bucket{endpoint="e",version="1",le="0.005",process="gateway"} 2\n',
    );
    expect(text).toContain(
      'muster_request_duration_seconds_bucket{endpoint="e",version="1",le="+Inf",process="gateway"} 2\n',
    );
    expect(text).toContain('muster_queue_duration_seconds_count{endpoint="e",version="1",process="gateway"} 1\n');
    expect(text).toContain('muster_queue_length{endpoint="e",deployment="d",process="gateway"} 2\n');
    expect(text).toContain('muster_requests_in_flight{endpoint="e",deployment="d",process="gateway"} 3\n');
  });

  test('escape what a name may hold', () => {
    const { metrics } = someMetrics();
    metrics.ran(deployment, 5, 2_000_000);
    metrics.copyDropped(deployment);
    metrics.incident({ at: 0, deployment: 'd', replica: 'd-0', kind: 'suspected' });
    const labels = String.raw`{deployment="d",model="say \"hi\"\\\n",version="1"`;
    const text = metrics.render();
    expect(text).toContain(`muster_run_seconds_total${labels},process="gateway"} 2\n`);
    expect(text).toContain(`muster_shadow_copies_dropped_total${labels},process="gateway"} 1\n`);
    expect(text).toContain(`muster_runner_crashes_total${labels},kind="suspected",process="gateway"} 1\n`);
    expect(text).toContain(`muster_batch_rows_bucket${labels},le="8",process="gateway"} 1\n`);
  });

  test('of a version that is gone are told for a while, then forgotten', () => {
    const { metrics, state } = someMetrics();
    metrics.observe(anObservation());
    metrics.ran(deployment, 1, 1);
    state.table = indexTable(aTable(2, []));
    expect(metrics.render()).toContain('muster_requests_total{');
    state.nowMs = 11 * 60_000;
    const text = metrics.render();
    expect(text).not.toContain('muster_requests_total{');
    expect(text).not.toContain('muster_batch_rows_sum{');
  });
});
