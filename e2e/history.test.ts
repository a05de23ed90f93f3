import { join } from 'node:path';
import type { EntryProof, HistoryInterval } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from './support/command-line.ts';
import { deploy, handOver, registerFile, succeeded } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';

const model = join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx');
const endpoint = 'fraud';

describe('what was live, and who decided it', () => {
  let place: Place;
  let muster: RunningMuster;
  /** Times at which nothing changes, by what was done before. */
  const moments = new Map<string, string>();
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    const { client } = muster;
    note('nothing');
    await handOver(client, endpoint, model);
    note('first');
    await registerFile(client, endpoint, model);
    await deploy(client, endpoint, { model: endpoint, version: 2, role: 'canary', sharePercent: 20 });
    note('canary');
    await succeeded(client, await client.call('promote', { params: { endpoint } }));
    note('promoted');
    await succeeded(client, await client.call('rollback', { params: { endpoint }, body: {} }));
    note('rolled back');
    await muster.stop();
    muster = await startMuster(place);
    note('restarted');
    await muster.client.call('endpointDelete', { params: { endpoint } });
    note('deleted');
  }, 300_000);
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  function note(what: string): void {
    const now = Date.now();
    // The next change is in a later millisecond.
    while (Date.now() === now);
    moments.set(what, new Date(Date.now()).toISOString());
    const noted = Date.now();
    while (Date.now() === noted);
  }

  const ask = async (what: string): Promise<HistoryInterval[]> => {
    const text = await cli(muster, ['history', '--at', moments.get(what) ?? '', endpoint, '--json']);
    return (JSON.parse(text) as { items: HistoryInterval[] }).items;
  };

  it('is one command for every moment, also after a restart and for an endpoint that is deleted', async () => {
    const told = async (what: string): Promise<unknown[]> =>
      (await ask(what)).map(({ role, version, sharePercent, decision }) => [
        role,
        version,
        sharePercent,
        decision.action,
      ]);
    expect(await told('nothing')).toEqual([]);
    expect(await told('first')).toEqual([['live', 1, 100, 'endpoint.deploy']]);
    expect(await told('canary')).toEqual([
      ['live', 1, 80, 'endpoint.deploy'],
      ['canary', 2, 20, 'endpoint.deploy'],
    ]);
    expect(await told('promoted')).toEqual([['live', 2, 100, 'endpoint.promote']]);
    expect(await told('rolled back')).toEqual([['live', 1, 100, 'endpoint.rollback']]);
    expect(await told('restarted')).toEqual([['live', 1, 100, 'endpoint.rollback']]);
    expect(await told('deleted')).toEqual([]);
  }, 120_000);

  it('says it in a sentence that a person can read', async () => {
    const at = moments.get('canary') ?? '';
    const who = (await muster.client.call('whoami')).name;
    expect(await cli(muster, ['history', '--at', at, endpoint])).toContain(
      `At ${at}, fraud answered with fraud:1 (80 %) and fraud:2 (20 %), decided by ${who}.`,
    );
  }, 60_000);

  it('names the entry that proves it: the audit entry of that very decision', async () => {
    const [promoted] = await ask('promoted');
    const entry = promoted?.decision.entry ?? -1;
    await cli(muster, ['audit', 'checkpoint']);
    const proof = JSON.parse(await cli(muster, ['audit', 'prove', String(entry), '--json'])) as EntryProof;
    expect(JSON.parse(proof.body)).toMatchObject({
      seq: entry,
      action: 'endpoint.promote',
      subject: { kind: 'endpoint', id: endpoint },
      actor: { id: promoted?.decision.by?.id },
      ctx: { deployment: promoted?.deployment },
    });
  }, 60_000);

  it('the fleet has every endpoint with its owner and its last change', async () => {
    await handOver(muster.client, 'churn', model);
    const { items } = JSON.parse(await cli(muster, ['fleet', '--json'])) as { items: unknown[] };
    expect(items).toMatchObject([
      {
        name: 'churn',
        owner: { name: (await muster.client.call('whoami')).name },
        live: { model: 'churn', version: 1, sharePercent: 100 },
        standing: 'deployed',
        changed: { action: 'endpoint.deploy' },
      },
    ]);
  }, 60_000);
});
