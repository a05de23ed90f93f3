import { describe, expect, test } from 'vitest';
import {
  aDecision as decision,
  aDeployment as deployment,
  aState as state,
} from '../../test-support/deployments/traffic-states.ts';
import type { DeploymentRecord } from './deployment.ts';
import { decidedDeployments, trafficMove, trafficOf } from './traffic.ts';

const live = deployment('live-1', 'live', 100, decision('ana', 1));
const canary = deployment('canary-2', 'canary', 20, decision('bob', 2));
const reconciler = { decision: undefined, entries: [] };

describe('traffic', () => {
  test('is what answers: live gets what the canary leaves, and what is quarantined gets nothing', () => {
    const sharesOf = (...all: readonly DeploymentRecord[]) =>
      trafficOf(state(...all)).map(({ role, sharePercent }) => [role, sharePercent]);
    expect(sharesOf(live)).toEqual([['live', 100]]);
    expect(sharesOf(live, canary)).toEqual([
      ['live', 80],
      ['canary', 20],
    ]);
    expect(sharesOf(live, { ...canary, replicas: [] })).toEqual([['live', 100]]);
    expect(sharesOf({ ...live, state: 'quarantined', replicas: [] }, canary)).toEqual([['canary', 20]]);
    expect(sharesOf(canary)).toEqual([]);
  });

  test('moves by nobody where nothing moves', () => {
    expect(trafficMove({ before: state(live), after: state(live) }, reconciler)).toBeUndefined();
  });

  test('that a deployment takes was decided by who deployed it, also what live leaves to it', () => {
    const move = trafficMove({ before: state(live), after: state(live, canary) }, reconciler);
    expect(move).toMatchObject({
      begun: [
        { role: 'live', sharePercent: 80, decision: { by: 'bob' } },
        { role: 'canary', sharePercent: 20, decision: { by: 'bob' } },
      ],
      ended: [{ deploymentId: 'live-1', cause: { why: null, decision: { by: 'bob' } } }],
    });
  });

  test('that another one takes over ends by the decision for the other', () => {
    const next = deployment('live-3', 'live', 100, decision('cem', 3));
    const move = trafficMove({ before: state(live), after: state(next) }, reconciler);
    expect(move).toMatchObject({
      begun: [{ decision: { by: 'cem', entry: 3 } }],
      ended: [{ deploymentId: 'live-1', cause: { why: null, decision: { by: 'cem', entry: 3 } } }],
    });
  });

  test('of a canary that lost its replicas ends without a decision, and live goes back to its own', () => {
    const move = trafficMove(
      { before: state(live, canary), after: state(live, { ...canary, replicas: [] }) },
      reconciler,
    );
    expect(move).toMatchObject({
      begun: [{ role: 'live', sharePercent: 100, decision: { by: 'ana', entry: 1 } }],
      ended: [
        { deploymentId: 'live-1', cause: { why: 'no-replica', entry: null } },
        { deploymentId: 'canary-2', cause: { why: 'no-replica', entry: null } },
      ],
    });
  });

  test('of what is quarantined ends by the entry that says so', () => {
    const entries = [{ action: 'system.deployment.quarantined', deploymentId: 'live-1', seq: 9 }];
    const stopped = { ...live, state: 'quarantined', replicas: [] } as const;
    expect(trafficMove({ before: state(live), after: state(stopped) }, { decision: undefined, entries })).toMatchObject(
      {
        begun: [],
        ended: [{ deploymentId: 'live-1', cause: { why: 'quarantined', entry: { seq: 9 } } }],
      },
    );
  });

  test('that somebody moves at once was decided by them, all of it', () => {
    const change = { before: state(live, canary), after: state(live) };
    expect(trafficMove(change, { decision: decision('dan', 7), entries: [] })).toMatchObject({
      begun: [{ role: 'live', sharePercent: 100, decision: { by: 'dan' } }],
      ended: [{ cause: { decision: { by: 'dan' } } }, { cause: { decision: { by: 'dan' } } }],
    });
  });

  test('a change decides about what it makes, and what it gives another role or share', () => {
    const promoted = { ...canary, role: 'live', sharePercent: 100 } as const;
    const draining = { ...live, state: 'draining' } as const;
    expect(decidedDeployments({ before: undefined, after: state(live) })).toEqual(['live-1']);
    expect(decidedDeployments({ before: state(live, canary), after: state(draining, promoted) })).toEqual(['canary-2']);
    expect(decidedDeployments({ before: state(live, canary), after: state(draining, canary) })).toEqual([]);
  });
});
