import { deploySchema, endpointLimitsSchema } from '@muster-ml/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { anyVersion } from '../../test-support/deployments/deployments-room.ts';
import type { RoutingTable } from '../serving/index.ts';
import type { DeploymentRecord, ReplicaRecord } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';
import { type TablePublisher, createTablePublisher } from './table-publisher.ts';

const replica = (id: string, more: Partial<ReplicaRecord> = {}): ReplicaRecord => ({
  id,
  runner: 'r',
  runnerKind: 'pack',
  isLeaving: false,
  createdAt: 0,
  readyAt: 1,
  ...more,
});

function deployment(
  id: string,
  replicas: readonly ReplicaRecord[],
  more: Partial<DeploymentRecord> = {},
): DeploymentRecord {
  return {
    id,
    endpointId: 'e',
    role: 'live',
    sharePercent: 100,
    state: 'ready',
    served: anyVersion('m', 1),
    settings: deploySchema.shape.settings.parse({}),
    isForced: false,
    ownReason: null,
    attempts: 0,
    retryAt: null,
    nextReplica: 1,
    isRollback: false,
    previousId: null,
    operationId: null,
    problem: null,
    createdAt: 0,
    createdBy: 'ana',
    decision: null,
    readyAt: 1,
    servingSince: 1,
    endedAt: null,
    replicas,
    ...more,
  };
}

function endpoint(deployments: readonly DeploymentRecord[], deletedAt: number | null = null): EndpointState {
  const limits = endpointLimitsSchema.parse({});
  return {
    endpoint: {
      id: 'e',
      name: 'e',
      team: 'a',
      kind: 'served',
      owner: 'ana',
      useCaseId: null,
      objective: null,
      runbook: null,
      description: '',
      tags: {},
      limits,
      revision: 1,
      touched: 1,
      createdAt: 0,
      createdBy: 'ana',
      deletedAt,
    },
    deployments,
  };
}

describe('routing tables', () => {
  let tables: RoutingTable[];
  let publisher: TablePublisher;
  beforeEach(() => {
    tables = [];
    publisher = createTablePublisher({
      installation: 'i',
      addressOf: (runner) => `unix:/${runner}`,
      send: (table) => tables.push(table),
      firstVersion: 1000,
    });
  });

  it('are made only when something changes for a gateway', () => {
    publisher.update(endpoint([deployment('d', [replica('d.0')])]));
    publisher.publish(0);
    publisher.update(endpoint([deployment('d', [replica('d.0')], { operationId: 'op' })]));
    expect(publisher.isDirty()).toBe(false);
    const all = { teams: '*', endpoints: [] } as const;
    const token = { digest: 'x', tokenId: 't', actor: 'ana', expiresAt: null, see: all, predict: all };
    publisher.updateGrants({ tokens: [token], limits: [] });
    publisher.publish(1);
    publisher.publish(2);
    expect(tables.map(({ version, tokens }) => [version, tokens.length])).toEqual([
      [1000, 0],
      [1001, 1],
    ]);
  });

  it('say from which version on they hold an endpoint as it is, and not before it is sent', () => {
    publisher.update(endpoint([deployment('d', [replica('d.0')])]));
    expect(publisher.versionOf('e')).toBeUndefined();
    publisher.publish(0);
    expect(publisher.versionOf('e')).toBe(1000);
    publisher.update(endpoint([deployment('f', [replica('f.0')])]));
    expect(publisher.versionOf('e')).toBeUndefined();
  });

  it('say from which version on they do without a replica, also for one that an earlier process routed', () => {
    publisher.update(endpoint([deployment('d', [replica('d.0')])]));
    expect(publisher.versionWithout('old.0')).toBeUndefined();
    publisher.publish(0);
    expect(publisher.versionWithout('old.0')).toBe(1000);
    expect(publisher.versionWithout('d.0')).toBeUndefined();
    publisher.update(
      endpoint([
        deployment('d', [replica('d.0', { isLeaving: true })], { state: 'draining' }),
        deployment('f', [replica('f.0')]),
      ]),
    );
    expect(publisher.versionWithout('d.0')).toBeUndefined();
    publisher.publish(1);
    expect(publisher.versionWithout('d.0')).toBe(1001);
  });

  it('rise above what a gateway has from another history, and count nothing below that', () => {
    publisher.update(endpoint([deployment('d', [replica('d.0')])]));
    publisher.publish(0);
    publisher.rise(5000);
    expect(publisher.versionOf('e')).toBeUndefined();
    expect(publisher.versionWithout('x')).toBeUndefined();
    publisher.publish(1);
    expect(tables.at(-1)?.version).toBe(5001);
    expect(publisher.versionWithout('x')).toBe(5001);
  });

  it('hold an endpoint without a live one with nothing deployed, and no deleted one', () => {
    publisher.update(
      endpoint([
        deployment('d', [], { state: 'starting', servingSince: null }),
        deployment('c', [replica('c.0')], { role: 'canary', sharePercent: 10 }),
      ]),
    );
    publisher.publish(0);
    expect(tables.at(-1)?.endpoints).toMatchObject([{ name: 'e', deployments: [] }]);
    publisher.update(endpoint([], 5));
    publisher.publish(1);
    expect(tables.at(-1)?.endpoints).toEqual([]);
  });

  it('route the old replica until its replacement has answered', () => {
    const moved = (readyAt: number | null) =>
      endpoint([deployment('d', [replica('d.0', { isLeaving: true }), replica('d.1', { readyAt, runner: 'own' })])]);
    const routed = () => tables.at(-1)?.endpoints[0]?.deployments[0]?.replicas;
    publisher.update(moved(null));
    publisher.publish(0);
    expect(routed()).toEqual([{ id: 'd.0', address: 'unix:/r' }]);
    publisher.update(moved(2));
    publisher.publish(1);
    expect(routed()).toEqual([{ id: 'd.1', address: 'unix:/own' }]);
  });

  it('route no canary and no shadow that lost its replicas while nothing was live, and give its share to the live one', () => {
    const beside = (replicas: readonly ReplicaRecord[]) =>
      endpoint([
        deployment('d', [replica('d.0')]),
        deployment('c', replicas, { role: 'canary', sharePercent: 10 }),
        deployment('s', replicas, { role: 'shadow', sharePercent: 50 }),
      ]);
    const routed = () => tables.at(-1)?.endpoints[0]?.deployments.map(({ id, sharePercent }) => [id, sharePercent]);
    publisher.update(beside([]));
    publisher.publish(0);
    expect(routed()).toEqual([['d', 100]]);
    publisher.update(beside([replica('x.0')]));
    publisher.publish(1);
    expect(routed()).toEqual([
      ['d', 90],
      ['c', 10],
      ['s', 50],
    ]);
  });

  it('hold who may call what, and the limits of it', () => {
    const limit = { endpoint: 'e', actor: 'ana', ratePerSecond: 2, requestsPerDay: null };
    publisher.updateGrants({ tokens: [], limits: [limit] });
    publisher.publish(0);
    publisher.updateGrants({ tokens: [], limits: [{ ...limit }] });
    expect(publisher.isDirty()).toBe(false);
    publisher.updateGrants({ tokens: [], limits: [] });
    publisher.publish(1);
    expect(tables.map(({ limits }) => limits)).toEqual([[limit], []]);
  });

  it('keep a quarantined live one, without replicas, and say why', () => {
    publisher.update(endpoint([deployment('d', [replica('d.0', { isLeaving: true })], { state: 'quarantined' })]));
    publisher.publish(0);
    expect(tables.at(-1)?.endpoints[0]?.deployments).toMatchObject([
      { id: 'd', replicas: [], quarantined: 'quarantined' },
    ]);
  });
});
