import { type DeployRequest, type Endpoint, type Operation, deploySchema } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  anyVersion,
  callerOf,
  openDeploymentsRoom,
} from '../../test-support/deployments/deployments-room.ts';
import { callerWith } from '../../test-support/identity.ts';
import { writePlanned } from '../../test-support/planned-endpoint.ts';
import { maker } from '../../test-support/registry.ts';
import { type StandingRecord, servedDigestOf } from '../standing/index.ts';

const ana = callerOf('default');

/** Whose an endpoint is, why it exists, what callers may count on, and where it stands. */
describe.each(databaseKinds)('what an endpoint says of itself on %s', (kind) => {
  let opened: TestDatabase;
  let room: DeploymentsRoom;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    room = await openDeploymentsRoom(opened.database);
    const planned = { owner: 'ana', createdAt: 1, versions: [] };
    await writePlanned(opened.database, [
      { ...planned, name: 'planned', team: 'default', useCase: { proposedAt: 1, state: 'proposed' } },
      { ...planned, name: 'declined', team: 'default', useCase: { proposedAt: 1, state: 'declined', decidedAt: 2 } },
      { ...planned, name: 'others', team: 'risk', useCase: { proposedAt: 1, state: 'accepted', decidedAt: 2 } },
      { ...planned, name: 'watched', team: 'default', kind: 'observed' },
    ]);
  });
  afterAll(async () => {
    await room.deployments.reconciler.drain();
    await opened.close();
  });

  const deploy = async (name: string, version: number, more: Partial<DeployRequest> = {}): Promise<Operation> =>
    await room.ended(await room.deployments.deploy(ana, name, deploySchema.parse({ model: 'm', version, ...more })));
  const get = async (name: string): Promise<Endpoint> => await room.deployments.getEndpoint(ana, name);
  const update = async (name: string, patch: Parameters<DeploymentsRoom['deployments']['updateEndpoint']>[2]) =>
    await room.deployments.updateEndpoint(ana, name, patch, undefined);
  const idOf = (name: string): string =>
    String(
      room.entries.findLast(({ subject }) => subject.kind === 'endpoint' && subject.id === name)?.ctx?.['endpoint'],
    );

  describe('owner, use case, objective, runbook', () => {
    const objective = { latencyMs: 12.5, percentile: 95, errorPercent: 0.5, requestsPerSecond: 20 };

    it('a new endpoint is owned by whoever made it, and exists for nothing yet', async () => {
      await deploy('fresh', 1);
      expect(await get('fresh')).toMatchObject({
        kind: 'served',
        owner: { id: 'ana' },
        useCase: null,
        objective: null,
        runbook: null,
        standing: 'deployed',
      });
    });

    it('each is changed by itself, kept by what does not name it, and taken away by null', async () => {
      await deploy('told', 1);
      const patch = { owner: 'bob', useCase: 'why-planned', objective, runbook: 'https://wiki.example.com/told' };
      const after = { ...patch, owner: { id: 'bob', name: null } };
      expect(await update('told', patch)).toMatchObject({ ...after, revision: 2 });
      expect(await update('told', { description: 'it tells' })).toMatchObject({ ...after, revision: 3 });
      await deploy('told', 2);
      expect(await get('told')).toMatchObject(after);
      expect(await update('told', { useCase: null, objective: null, runbook: null })).toMatchObject({
        owner: { id: 'bob' },
        useCase: null,
        objective: null,
        runbook: null,
      });
      expect(room.entries.findLast(({ action }) => action === 'endpoint.update')?.ctx).toMatchObject({
        fields: ['useCase', 'objective', 'runbook'],
        useCase: null,
      });
    });

    it.each([
      ['is of another team that one does not see', 'why-others', 'usecase_not_found'],
      ['is not there', 'nothing', 'usecase_not_found'],
      ['was declined', 'why-declined', 'usecase_unfit'],
    ])('a use case that %s is refused, and nothing changes', async (_what, useCase, code) => {
      const { revision } = await get('planned');
      await expect(update('planned', { useCase, description: 'x' })).rejects.toMatchObject({
        code,
        place: 'body.useCase',
      });
      expect(await get('planned')).toMatchObject({ useCase: 'why-planned', description: '', revision });
      await expect(deploy('unfit', 1, { useCase })).rejects.toMatchObject({ code, place: 'body.useCase' });
      await expect(get('unfit')).rejects.toMatchObject({ code: 'endpoint_not_found' });
    });

    it('a use case of another team is unfit for whoever sees it', async () => {
      const both = callerWith({ id: 'ana', teams: { default: maker, risk: ['viewer'] } });
      await expect(
        room.deployments.updateEndpoint(both, 'planned', { useCase: 'why-others' }, undefined),
      ).rejects.toMatchObject({ code: 'usecase_unfit' });
    });

    it('a deployment says why its endpoint exists, and one that does not say leaves it', async () => {
      await deploy('purposeful', 1, { useCase: 'why-planned' });
      expect(await get('purposeful')).toMatchObject({ useCase: 'why-planned', revision: 1 });
      await deploy('purposeful', 2);
      expect(await get('purposeful')).toMatchObject({ useCase: 'why-planned', revision: 1 });
      await deploy('fresh', 2, { useCase: 'why-planned' });
      expect(await get('fresh')).toMatchObject({ useCase: 'why-planned', revision: 2 });
    });
  });

  describe('standing', () => {
    const stand = (name: string, state: StandingRecord['state']): void =>
      void room.standings.records.set(idOf(name), {
        endpointId: idOf(name),
        state,
        since: 1,
        firstAt: 1,
        reasons: [],
        submission: null,
        model: 'm',
        version: 1,
      });

    it('is what its record says, and an endpoint that only answers is deployed', async () => {
      await deploy('stands', 1);
      const standing = async (): Promise<string> => (await get('stands')).standing;
      expect(await standing()).toBe('deployed');
      for (const [state, shown] of [
        ['waiting', 'deployed'],
        ['in production', 'in production'],
        ['lapsed', 'lapsed'],
      ] as const) {
        stand('stands', state);
        expect(await standing()).toBe(shown);
      }
      const { items } = await room.deployments.listEndpoints(ana, { limit: 100 });
      expect(items.find(({ name }) => name === 'stands')?.standing).toBe('lapsed');
    });

    it('is asked about what becomes live: version, file and settings, by deploying or promoting', async () => {
      await deploy('guarded', 1);
      room.standings.asked.length = 0;
      const settings = { ...deploySchema.parse({ model: 'm', version: 2 }).settings, replicas: 2 };
      await deploy('guarded', 2, { settings });
      await deploy('guarded', 3, { role: 'canary', sharePercent: 10 });
      await room.ended(await room.deployments.promote(ana, 'guarded'));
      const wish = (version: number, of: object) => ({
        endpoint: { id: idOf('guarded'), name: 'guarded' },
        model: 'm',
        version,
        servedDigest: servedDigestOf({ model: 'm', version, digest: anyVersion('m', version).digest, settings: of }),
      });
      expect(room.standings.asked).toEqual([wish(2, settings), wish(3, {})]);
    });

    it('where it is refused, what was live stays, nothing is left behind, and canary, shadow and rollback go on', async () => {
      await deploy('kept', 1);
      await deploy('kept', 2);
      room.standings.isRefused = true;
      try {
        await expect(deploy('kept', 3)).rejects.toMatchObject({ code: 'standing_required' });
        const entries = room.entries.length;
        expect(await deploy('kept', 4, { role: 'shadow' })).toMatchObject({ state: 'succeeded' });
        expect(await deploy('kept', 5, { role: 'canary', sharePercent: 5 })).toMatchObject({ state: 'succeeded' });
        expect(room.entries.length).toBeGreaterThan(entries);
        await expect(room.deployments.promote(ana, 'kept')).rejects.toMatchObject({ code: 'standing_required' });
        expect((await get('kept')).deployments.map(({ version, role }) => `${role} ${version}`).toSorted()).toEqual([
          'canary 5',
          'live 2',
          'shadow 4',
        ]);
        expect(await room.ended(await room.deployments.rollback(ana, 'kept', {}))).toMatchObject({
          state: 'succeeded',
          result: { version: 1 },
        });
        // Nobody has approved anything of an endpoint that is not there yet.
        expect(await deploy('newborn', 1)).toMatchObject({ state: 'succeeded' });
      } finally {
        room.standings.isRefused = false;
      }
    });
  });

  describe('an endpoint that something else serves', () => {
    it('is shown as observed, with nothing deployed and nothing to be ready', async () => {
      expect(await get('watched')).toMatchObject({
        kind: 'observed',
        standing: 'observed',
        ready: false,
        signature: null,
        deployments: [],
      });
    });

    it.each([
      ['deployed', async () => await deploy('watched', 1)],
      ['deployed as a canary', async () => await deploy('watched', 1, { role: 'canary', sharePercent: 5 })],
      ['promoted', async () => await room.deployments.promote(ana, 'watched')],
      ['rolled back', async () => await room.deployments.rollback(ana, 'watched', {})],
      ['ended', async () => await room.deployments.endDeployment(ana, 'watched', 'd1')],
      ['restarted', async () => await room.deployments.restartReplicas(ana, 'watched')],
      ['scored with', async () => await room.deployments.servedEndpoint(ana, 'endpoint.score', 'watched')],
      ['followed', async () => await room.deployments.getEndpoint(ana, 'watched', 'endpoint.deploy')],
    ])('is not %s', async (_what, act) => {
      await expect(act()).rejects.toMatchObject({ code: 'endpoint_observed' });
    });

    it('does not tell those who may not see it what it is', async () => {
      const other = callerWith({ id: 'sam', teams: { risk: maker } });
      await expect(room.deployments.promote(other, 'watched')).rejects.toMatchObject({ code: 'endpoint_not_found' });
    });

    it('is updated and deleted as any other', async () => {
      expect(await update('watched', { owner: 'bob' })).toMatchObject({ owner: { id: 'bob' } });
      await room.deployments.deleteEndpoint(ana, 'watched');
      await expect(get('watched')).rejects.toMatchObject({ code: 'endpoint_not_found' });
    });
  });
});
