import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Client, upload } from '@muster-ml/client';
import { registerFile, succeeded } from '../hand-over.ts';
import { type RunningMuster, root } from '../muster.ts';
import { type BadToken, makeBadTokens } from './bad-tokens.ts';
import { clientOf, makeHolders } from './holders.ts';
import type { Holder } from './oracle.ts';
import type { Known, Maker, Names, Owners } from './sample.ts';

/** Two teams with everything that routes are about, and everybody who might ask for it. */
export interface World {
  readonly holders: readonly Holder[];
  readonly badTokens: readonly BadToken[];
  /** What belongs to team `own`. */
  readonly names: Names;
  /** The same kinds of names, as long, of what does not exist. */
  readonly ghosts: Names;
  readonly owners: Owners;
  readonly known: () => Known;
  readonly maker: Maker;
}

const fixtures = join(root, 'packages/runtime-onnx/fixtures');
const table = 'f0,f1,f2\n1,2,3\n4,5,6\n';

export async function makeWorld(muster: RunningMuster): Promise<World> {
  const { client: admin } = muster;
  const endpoints: { name: string; team: string }[] = [];
  const secrets: { name: string; team: string }[] = [];
  // The admin makes what belongs to both teams, and needs roles there to do so: as long as nobody else could give them.
  const me = (await admin.call('whoami')).id;
  for (const team of ['own', 'other']) {
    await admin.call('teamCreate', { body: { name: team } });
    for (const role of ['data-scientist', 'operator'] as const)
      await admin.call('roleGrant', { params: { team, actor: me, role } });
    await admin.call('secretSet', { params: { team, secret: `${team}-secret` }, body: { value: 'eight or more' } });
    secrets.push({ name: `${team}-secret`, team });
  }

  const operations = await Promise.all(
    ['own', 'other'].map(async (team) => {
      await registerModel(admin, team);
      endpoints.push({ name: `${team}-endpoint`, team });
      return await deployTo(admin, team, `${team}-endpoint`);
    }),
  );
  const holders = await makeHolders(admin);
  const find = (title: string): Holder => {
    const found = holders.find((holder) => holder.title === title);
    if (found === undefined) throw new Error(`there is no ${title}`);
    return found;
  };
  const scientist = find('data-scientist of own');

  const service = await admin.call('actorCreate', { body: { name: 'own-service', kind: 'service', team: 'own' } });
  const { id: serviceToken } = await admin.call('tokenCreate', { body: { actor: service.id, expiresInDays: 1 } });
  await admin.call('tokenRevoke', { params: { token: serviceToken } });
  const [operation = ''] = operations;
  const ready = await makeReady(muster, find('approver of own'));
  endpoints.push({ name: ready.endpoint, team: 'own' });
  const maker = makerOf(muster);
  await admin.call('auditCheckpoint');
  const { items: entries } = await admin.call('auditEntryList', { query: { action: 'endpoint.deploy', limit: 100 } });
  const entry = entries.find(({ team, actor }) => team === 'own' && actor.id === me);

  const names: Names = {
    team: 'own',
    model: 'own-model',
    endpoint: 'own-endpoint',
    operation,
    score: await maker.score(scientist),
    upload: await maker.upload(scientist),
    secret: 'own-secret',
    service: 'own-service',
    serviceToken,
    entry: String(entry?.seq ?? ''),
    useCase: 'own-use-case',
    submission: ready.submission,
    waiver: await requestWaiver(admin, 'own-endpoint'),
  };
  const badTokens = await makeBadTokens(muster, scientist.token);
  const actors = (await allActors(admin)).map(({ id, team }) => ({ id, team: team ?? undefined }));
  return {
    holders,
    badTokens,
    names,
    ghosts: {
      team: 'owm',
      model: 'own-modem',
      endpoint: 'own-endpoimt',
      operation: ghostOf(operation),
      score: ghostOf(names.score),
      upload: ghostOf(names.upload),
      secret: 'own-secrem',
      service: 'own-servicf',
      serviceToken: ghostOf(serviceToken),
      entry: '9'.repeat(names.entry.length + 3),
      useCase: 'own-use-casf',
      submission: ghostOf(names.submission),
      waiver: ghostOf(names.waiver),
    },
    owners: {
      admin: me,
      service: service.id,
      scientist: scientist.id,
      viewer: find('viewer of own').id,
      auditor: find('auditor of the installation').id,
    },
    known: () => ({
      teams: ['default', 'own', 'other'],
      models: ['own', 'other'].map((team) => ({ name: `${team}-model`, team })),
      endpoints,
      secrets,
      actors,
      useCases: ready.useCases,
      submissions: [{ id: ready.submission, team: 'own', endpoint: ready.endpoint }],
    }),
    maker,
  };
}

/** Version 1, and version 2 with other inputs. */
async function registerModel(admin: Client, team: string): Promise<void> {
  const model = `${team}-model`;
  await admin.call('modelCreate', { body: { name: model, team } });
  for (const file of ['identity-fp32.onnx', 'string-lookup.onnx'])
    await registerFile(admin, model, join(fixtures, file));
}

/** Deploys version 1; answers the operation, which has ended. */
async function deployTo(admin: Client, team: string, endpoint: string): Promise<string> {
  const body = { model: `${team}-model`, version: 1 };
  const operation = await admin.call('deploy', { params: { endpoint }, body });
  await succeeded(admin, operation);
  return operation.id;
}

/** An endpoint that stands, by a use case that somebody else accepted; and a use case that nobody decided about. */
async function makeReady({ client: admin, url }: RunningMuster, approver: Holder) {
  const useCases = ['own-accepted', 'own-use-case'].map((name) => ({ name, team: 'own' }));
  for (const { name, team } of useCases)
    await admin.call('useCasePropose', { body: { name, team, title: name, problem: 'Somebody has to decide.' } });
  const params = { useCase: 'own-accepted' };
  const yes = { answer: 'yes', note: '' } as const;
  const answers = { decision: yes, baseline: yes, labels: yes, volume: yes, tolerance: yes, rule: yes };
  await admin.call('useCaseReview', { params, body: { answers } });
  const body = { reason: 'It is worth a try.', riskTier: 'minimal' } as const;
  await clientOf(url, approver).call('useCaseAccept', { params, body });

  const [endpoint, model] = ['own-ready-endpoint', 'own-model'];
  const tensor = { datatype: 'FP32' as const, shape: [1, 3], data: [1, 2, 3] };
  const version = await registerFile(admin, model, join(fixtures, 'identity-fp32.onnx'), {
    sample: { inputs: [{ name: 'x', ...tensor }], outputs: [{ name: 'y', ...tensor }] },
  });
  await succeeded(admin, await admin.call('deploy', { params: { endpoint }, body: { model, version } }));
  await admin.call('endpointUpdate', { params: { endpoint }, body: { useCase: 'own-accepted' } });
  const { id } = await admin.call('submit', { params: { endpoint }, body: {} });
  return { endpoint, submission: id, useCases };
}

async function requestWaiver(admin: Client, endpoint: string): Promise<string> {
  const until = new Date(Date.now() + 10 * 86_400_000).toISOString();
  const body = { check: 'R29', reason: 'Nobody has written it yet.', until };
  return (await admin.call('waiverRequest', { params: { endpoint }, body })).id;
}

function makerOf(muster: RunningMuster): Maker {
  const { client: admin, url } = muster;
  let count = 0;
  return {
    async endpoint() {
      const name = `own-${++count}`;
      // It is there as soon as it is asked for; nobody waits until it answers.
      await admin.call('deploy', { params: { endpoint: name }, body: { model: 'own-model', version: 1 } });
      return name;
    },
    async secret() {
      const name = `own-${++count}`;
      await admin.call('secretSet', { params: { team: 'own', secret: name }, body: { value: 'eight or more' } });
      return name;
    },
    async score(by) {
      const client = by === undefined ? admin : clientOf(url, by);
      const bytes = Buffer.from(table);
      const stored = await upload(client, {
        sizeBytes: bytes.byteLength,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        read: async (start, end) => await Promise.resolve(bytes.subarray(start, end)),
      });
      const params = { endpoint: 'own-endpoint' };
      const operation = await client.call('scoreStart', { params, body: { digest: stored.digest, format: 'csv' } });
      await succeeded(client, operation);
      const { items } = await client.call('scoreList', { params, query: { limit: 100 } });
      const score = items.find((one) => one.operation === operation.id);
      if (score === undefined) throw new Error('the score is not there');
      return score.id;
    },
    async upload(by) {
      return (await clientOf(url, by).call('uploadStart', { body: { sizeBytes: 10 } })).id;
    },
  };
}

async function allActors(admin: Client) {
  return (await admin.call('actorList', { query: { limit: 1000 } })).items;
}

/** An id of the same form and length that nothing has. */
function ghostOf(id: string): string {
  return `${id.slice(0, -4)}${id.endsWith('0000') ? '1111' : '0000'}`;
}
