import { type DeployRequest, type Operation, deploySchema } from '@muster-ml/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, databaseKinds, openTestDatabase } from '../../test-support/database.ts';
import {
  type DeploymentsRoom,
  callerOf,
  openDeploymentsRoom,
  until,
} from '../../test-support/deployments/deployments-room.ts';
import { callerWith } from '../../test-support/identity.ts';
import { type SecretsRoom, openSecretsRoom } from '../../test-support/secrets-room.ts';
import { secretUsersOf } from './secret-users.ts';

const ana = callerOf('default');
/** May deploy for the default team, and nothing of the team risk. */
const rob = callerWith({ id: 'rob', teams: { default: ['operator'], risk: ['viewer'] } });
const olga = callerWith({ id: 'olga', teams: { default: ['operator'], risk: ['operator'] } });
const value = 'first-value-of-token';
const reference = 'secret://default/token';

describe.each(databaseKinds)('deploying with secrets, on %s', (kind) => {
  let opened: TestDatabase;
  let secrets: SecretsRoom;
  let room: DeploymentsRoom;
  beforeAll(async () => {
    opened = await openTestDatabase(kind);
    secrets = await openSecretsRoom(opened.database, { teams: [], usersOf: secretUsersOf });
    await secrets.secrets.start();
    room = await openDeploymentsRoom(opened.database, secrets.secrets);
    await set(value);
    await secrets.secrets.set(olga, { team: 'risk', name: 'token' }, { value });
  });
  afterAll(async () => {
    await room.deployments.reconciler.drain();
    await secrets.close();
    await opened.close();
  });

  const set = async (text: string, name = 'token') =>
    await secrets.secrets.set(ana, { team: 'default', name }, { value: text });
  const wish = (variables: Record<string, string> | undefined, version = 1, model = 'python'): DeployRequest =>
    deploySchema.parse({ model, version, settings: variables === undefined ? {} : { secrets: variables } });
  const deploy = async (name: string, request: DeployRequest): Promise<Operation> =>
    await room.ended(await room.deployments.deploy(ana, name, request));
  const runnersOf = (version: number) =>
    room.fleet.wishes().filter(({ replicas }) => replicas.some(({ digest }) => digest === `python-${version}`));

  it('gives the runner the value under its variable, and nobody else', async () => {
    expect(await deploy('given', wish({ TOKEN: reference }))).toMatchObject({ state: 'succeeded' });
    expect(runnersOf(1)).toMatchObject([{ secrets: { TOKEN: value } }]);
    const endpoint = await room.deployments.getEndpoint(ana, 'given');
    expect(endpoint.deployments[0]?.settings.secrets).toEqual({ TOKEN: reference });
    const rows = await sql`select * from deployment`.execute(opened.database.reader);
    const ledger = await sql`select body from ledger_entry`.execute(opened.database.reader);
    const { items } = await room.deployments.listEvents(ana, 'given', { limit: 100 });
    for (const seen of [endpoint, rows, ledger, items, room.fleet.table(), room.entries, secrets.entries])
      expect(JSON.stringify(seen)).not.toContain(value);
  });

  it('says in the ledger who deployed it with which secret, and that it was handed over', async () => {
    const [deployment] = (await room.deployments.getEndpoint(ana, 'given')).deployments;
    expect(room.entries.find(({ action }) => action === 'endpoint.deploy')?.ctx).toMatchObject({
      secrets: { TOKEN: reference },
    });
    expect(secrets.entries.filter(({ action }) => action === 'secret.use')).toMatchObject([
      { subject: { id: 'default/token' }, ctx: { deployment: deployment?.id, endpoint: 'given', variable: 'TOKEN' } },
    ]);
  });

  it.each([
    ['that does not exist', { TOKEN: 'secret://default/none' }, 'secret_not_found'],
    ['of a team where the caller may only look', { TOKEN: 'secret://risk/token' }, 'not_allowed'],
  ])('is refused with a secret %s, and makes no endpoint', async (_what, variables, code) => {
    await expect(room.deployments.deploy(rob, 'refused', wish(variables))).rejects.toMatchObject({ code });
    await expect(room.deployments.getEndpoint(ana, 'refused')).rejects.toMatchObject({ code: 'endpoint_not_found' });
  });

  it('is refused for an ONNX version, which could not read it', async () => {
    await expect(room.deployments.deploy(ana, 'refused', wish({ TOKEN: reference }, 1, 'm'))).rejects.toMatchObject({
      code: 'invalid_request',
      place: 'body.settings.secrets',
    });
  });

  it('hands a new value to the next start: the runner that is there is not another one', async () => {
    await deploy('renewed', wish({ TOKEN: reference }, 2));
    const [before] = runnersOf(2);
    await set('second-value');
    await until('the host knows the new value', () => runnersOf(2)[0]?.secrets?.['TOKEN'] === 'second-value');
    expect(runnersOf(2)).toMatchObject([{ ...before, secrets: { TOKEN: 'second-value' } }]);
    await set(value);
  });

  it('starts every replica anew on demand, and lets the old ones go once the new ones answer', async () => {
    await deploy('restarted', wish({ TOKEN: reference }, 3));
    const [before] = runnersOf(3);
    await room.deployments.restartReplicas(ana, 'restarted');
    await until('only another runner is left', () => runnersOf(3).every(({ id }) => id !== before?.id));
    const endpoint = await room.deployments.getEndpoint(ana, 'restarted');
    expect([endpoint.ready, endpoint.deployments.length]).toEqual([true, 1]);
    await expect(room.deployments.restartReplicas(callerOf('default', false), 'restarted')).rejects.toMatchObject({
      code: 'not_allowed',
    });
    await expect(room.deployments.restartReplicas(ana, 'none')).rejects.toMatchObject({ code: 'endpoint_not_found' });
  });

  it('keeps the old replicas where the new ones do not come', async () => {
    await deploy('kept', wish({ TOKEN: reference }, 4));
    const [before] = runnersOf(4);
    room.fleet.behave('python-4', 'loading');
    await room.deployments.restartReplicas(ana, 'kept');
    await until('a second runner is wished', () => runnersOf(4).length === 2);
    expect(runnersOf(4).map(({ id }) => id)).toContain(before?.id);
    room.fleet.behave('python-4', 'ready');
    await until('the first one has gone', () => runnersOf(4).every(({ id }) => id !== before?.id));
  });

  it('keeps a secret from being deleted while it runs; by force, what runs goes on, and no start would', async () => {
    await set(value, 'doomed');
    const doomed = { team: 'default', name: 'doomed' };
    await deploy('forced', wish({ TOKEN: 'secret://default/doomed' }, 5));
    await expect(secrets.secrets.delete(ana, doomed, undefined)).rejects.toMatchObject({
      code: 'secret_in_use',
      message: 'secret://default/doomed is used by forced',
    });
    const [before] = runnersOf(5);
    await secrets.secrets.delete(ana, doomed, 'doomed');
    await until('the host is told to start it no more', () => runnersOf(5)[0]?.refusal !== undefined);
    expect(runnersOf(5)).toMatchObject([{ id: before?.id, refusal: { code: 'secret_not_found' } }]);
    expect((await room.deployments.getEndpoint(ana, 'forced')).ready).toBe(true);
  });

  it('may be deleted once nothing refers to it, and then a rollback that would need it is refused', async () => {
    await set(value, 'brief');
    const brief = { team: 'default', name: 'brief' };
    await deploy('back', wish({ TOKEN: 'secret://default/brief' }, 6));
    await deploy('back', wish(undefined, 7));
    await until('the first has ended', () => runnersOf(6).length === 0);
    await secrets.secrets.delete(ana, brief, undefined);
    await expect(room.deployments.rollback(ana, 'back', {})).rejects.toMatchObject({ code: 'secret_not_found' });
    await set(value, 'brief');
    expect(await room.ended(await room.deployments.rollback(ana, 'back', {}))).toMatchObject({ state: 'succeeded' });
  });

  it('gives them again after a restart of control', async () => {
    await room.restart();
    await until('the host has the list again', () => runnersOf(1)[0]?.secrets?.['TOKEN'] === value);
    expect(room.errors).toEqual([]);
  });
});
