import { type RouteName, actions, routes } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  gatewayLists,
  gatewayPublic,
  gatewaySamples,
  gatewayTokenOnly,
} from './support/authorization/gateway-samples.ts';
import { makeHolder } from './support/authorization/holders.ts';
import { type Holder, verdictOf } from './support/authorization/oracle.ts';
import { routeSamples } from './support/authorization/route-samples.ts';
import { type Answered, type Asked, inParallel, send } from './support/authorization/send.ts';
import { askFor, comparable, refusalOf, walk } from './support/authorization/walk.ts';
import { type World, makeWorld } from './support/authorization/world.ts';
import { type Place, type RunningMuster, makePlace, removePlace, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';

const names = Object.keys(routes) as RouteName[];
const atOnce = 6;

/** Every route of every protocol, asked by everybody: the answers are what the matrix says, and nothing else is to be learnt. */
describe('who may do what', () => {
  let place: Place;
  let muster: RunningMuster;
  let world: World;

  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    world = await makeWorld(muster);
    const everybody = world.holders.map(({ token }) => token);
    await until('the gateway knows everybody', 20_000, async () => {
      const answers = await Promise.all(
        everybody.map(async (token) => await ask({ method: 'GET', path: '/predict', token })),
      );
      return answers.every(({ status }) => status === 200);
    });
  }, 240_000);
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  const ask = async (asked: Asked): Promise<Answered> => await send(place.port, asked);

  it('every route names an action of the list, and has a sample that is about it', () => {
    expect(Object.keys(routeSamples).toSorted()).toEqual(names.toSorted());
    const lost = names.filter((name) => {
      const asked = routeSamples[name].flatMap(({ steps }) => steps(world.names, world.owners, anyHolder(world)));
      return !actions.includes(routes[name].action) || !asked.some(({ action }) => action === routes[name].action);
    });
    expect(lost).toEqual([]);
  });

  it('every route answers everybody as the matrix has it, and lists show exactly what may be seen', async () => {
    const wrong: string[] = [];
    // What is listed changes while things are made and ended, so lists are asked for first.
    const isList = (name: RouteName): boolean => routeSamples[name].some(({ list }) => list !== undefined);
    for (const some of [names.filter(isList), names.filter((name) => !isList(name))]) {
      const pairs = some.flatMap((name) => world.holders.map((holder) => ({ name, holder })));
      await inParallel(pairs, atOnce, async ({ name, holder }) => {
        // What could not be made for one must not hide what is wrong with the others.
        const found = await walk(place.port, world, name, holder).catch((error: unknown) => [
          `${name} by ${holder.title}: ${String(error)}`,
        ]);
        wrong.push(...found);
      });
    }
    expect(wrong).toEqual([]);
  }, 180_000);

  it('audit entries in a list are those of the caller’s teams, and the caller’s own', async () => {
    const wrong: string[] = [];
    for (const holder of world.holders) {
      const answer = await ask({ method: 'GET', path: '/api/v1/audit/entries?limit=1000', token: holder.token });
      if (answer.status !== 200) continue;
      type Entry = { readonly seq: number; readonly team: string | null; readonly actor: { readonly id: string } };
      for (const { seq, team, actor } of (JSON.parse(answer.body) as { readonly items: readonly Entry[] }).items) {
        const target = { kind: 'entry', team: team ?? undefined, owner: actor.id } as const;
        if (verdictOf(holder, 'audit.read', target) !== 'allowed') wrong.push(`${holder.title} sees entry ${seq}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('every operation of the data plane answers everybody as the matrix has it', async () => {
    const wrong: string[] = [];
    const pairs = gatewaySamples.flatMap((sample) => world.holders.map((holder) => ({ sample, holder })));
    await inParallel(pairs, atOnce, async ({ sample, holder }) => {
      const { method, body } = sample;
      const path = sample.path('own-endpoint');
      const answer = await ask({ method, path, body, token: holder.token });
      const expected = expectedOf(sample, holder);
      const isRight =
        answer.status === expected.status &&
        (!sample.hasCode || answer.code === undefined || expected.code === undefined || answer.code === expected.code);
      if (!isRight)
        wrong.push(`${method} ${path} by ${holder.title}: ${answer.status} ${answer.code}, not ${expected.status}`);
    });
    for (const { path, namesIn } of gatewayLists) {
      for (const holder of world.holders) {
        const answer = await ask({ method: 'GET', path, token: holder.token });
        const visible = world
          .known()
          .endpoints.filter(({ name, team }) => seesInGateway(holder, name, team))
          .map(({ name }) => name);
        // Endpoints that were made to be ended may still be there.
        const shown = namesIn(answer.body).filter((name) => name.endsWith('-endpoint'));
        if (JSON.stringify(shown.toSorted()) !== JSON.stringify(visible.toSorted()))
          wrong.push(`GET ${path} by ${holder.title} shows ${shown.join(', ')}, not ${visible.join(', ')}`);
      }
    }
    for (const { path, allowed } of gatewayTokenOnly) {
      const answer = await ask({ method: 'GET', path, token: anyHolder(world).token });
      if (answer.status !== allowed) wrong.push(`GET ${path}: ${answer.status}`);
    }
    for (const path of gatewayPublic) {
      const answer = await ask({ method: 'GET', path });
      if (answer.status !== 200) wrong.push(`GET ${path} without a token: ${answer.status}`);
    }
    expect(wrong).toEqual([]);
  });

  it('nothing is answered without a valid token: missing, malformed, unknown, expired, revoked, of a disabled actor', async () => {
    const wrong: string[] = [];
    const holder = anyHolder(world);
    const asked: Asked[] = [
      ...names.flatMap((name) => {
        const [sample] = routeSamples[name];
        return sample === undefined ? [] : [askFor(name, sample, world.names, world.owners, holder)];
      }),
      ...gatewaySamples.map(({ method, path, body }) => ({ method, path: path('own-endpoint'), body })),
      ...[...gatewayLists, ...gatewayTokenOnly].map(({ path }) => ({ method: 'GET', path })),
    ];
    const sources = loopbackAddresses();
    const pairs = asked.flatMap((one) => world.badTokens.map((token) => ({ one, token })));
    await inParallel(pairs, atOnce, async ({ one, token }) => {
      const answer = await ask({ ...one, token: token.value, from: sources.next().value });
      if (answer.status !== 401 || (answer.code !== undefined && !token.codes.includes(answer.code)))
        wrong.push(`${one.method} ${one.path} with a token that is ${token.title}: ${answer.status} ${answer.code}`);
      if (token.value !== undefined && answer.body.includes(token.value)) wrong.push(`${one.path} repeats the token`);
    });
    expect(wrong).toEqual([]);
  }, 180_000);

  it('what is hidden is answered like what does not exist: status, headers and body', async () => {
    const wrong: string[] = [];
    const differ = (what: string, hidden: object, none: object): void => {
      if (JSON.stringify(hidden) !== JSON.stringify(none))
        wrong.push(`${what}:\n${JSON.stringify(hidden)}\n${JSON.stringify(none)}`);
    };
    for (const holder of world.holders) {
      for (const name of names) {
        for (const sample of routeSamples[name]) {
          const { hides } = sample;
          if (hides === undefined) continue;
          const refusal = refusalOf(sample.steps(world.names, world.owners, holder), holder);
          if (refusal === undefined || refusal.status === 403) continue;
          const [real, ghost] = [world.names[hides], world.ghosts[hides]];
          const asks = async (names_: typeof world.names) =>
            await ask({ ...askFor(name, sample, names_, world.owners, holder), token: holder.token });
          const hidden = await asks(world.names);
          const none = await asks({ ...world.names, [hides]: ghost });
          differ(`${name} by ${holder.title}`, comparable(hidden, real), comparable(none, ghost));
        }
      }
      for (const sample of gatewaySamples) {
        if (seesInGateway(holder, 'own-endpoint', 'own')) continue;
        const { method, body } = sample;
        const asks = async (endpoint: string) =>
          comparable(await ask({ method, body, path: sample.path(endpoint), token: holder.token }), endpoint);
        differ(
          `${method} ${sample.path('…')} by ${holder.title}`,
          await asks('own-endpoint'),
          await asks('own-endpoimt'),
        );
      }
    }
    expect(wrong).toEqual([]);
  }, 180_000);

  it('a name that is taken by somebody else’s is said to be taken, and no more', async () => {
    const stranger = world.holders.find(({ title }) => title === 'operator of other');
    const token = stranger?.token;
    const deploy = { method: 'POST', path: '/api/v1/endpoints/own-endpoint/deployments', token };
    const taken = await ask({ ...deploy, body: { model: 'other-model', version: 1 } });
    expect([taken.status, taken.code]).toEqual([409, 'endpoint_exists']);
    expect(taken.body.replaceAll('own-endpoint', '')).not.toMatch(/own/);
  });

  it('what is hidden takes as long as what does not exist', async () => {
    const stranger = world.holders.find(({ title }) => title === 'operator of other') ?? anyHolder(world);
    const { names: real, ghosts } = world;
    const pairs: (readonly [keyof typeof real, string])[] = [
      ['model', `/api/v1/models/NAME`],
      ['endpoint', `/api/v1/endpoints/NAME`],
      ['operation', `/api/v1/operations/NAME`],
      ['score', `/api/v1/scores/NAME`],
      ['team', `/api/v1/teams/NAME`],
      ['service', `/api/v1/actors/NAME`],
      ['entry', `/api/v1/audit/entries/NAME`],
      ['endpoint', `/v2/models/NAME`],
      ['endpoint', `/predict/NAME`],
    ];
    const differs = async (key: keyof typeof real, path: string): Promise<string | undefined> => {
      const times: { readonly hidden: number[]; readonly none: number[] } = { hidden: [], none: [] };
      for (let round = 0; round < 40; round++) {
        // Who goes first changes, so that neither always finds the caches warm.
        for (const which of round % 2 === 0 ? (['hidden', 'none'] as const) : (['none', 'hidden'] as const)) {
          const name = which === 'hidden' ? real[key] : ghosts[key];
          const { ms } = await ask({ method: 'GET', path: path.replace('NAME', name), token: stranger.token });
          times[which].push(ms);
        }
      }
      const [hidden, none] = [fastQuarter(times.hidden), fastQuarter(times.none)];
      const isFar = Math.max(hidden, none) > 1.5 * Math.min(hidden, none) && Math.abs(hidden - none) > 0.5;
      return isFar ? `${path}: ${hidden.toFixed(2)} ms hidden, ${none.toFixed(2)} ms where there is none` : undefined;
    };
    const wrong: string[] = [];
    for (const [key, path] of pairs) {
      // What else this machine does comes and goes; what the server does differently stays.
      const found: (string | undefined)[] = [];
      do found.push(await differs(key, path));
      while (found.at(-1) !== undefined && found.length < 4);
      const last = found.at(-1);
      if (last !== undefined) wrong.push(last);
    }
    expect(wrong).toEqual([]);
  });

  it('a revoked token is refused by every protocol within a second', async () => {
    const { token, id } = await muster.client.call('tokenCreate', { body: { expiresInDays: 1 } });
    const asks = ['/api/v1/whoami', '/v2/models', '/predict'];
    const statuses = async (): Promise<readonly number[]> =>
      await Promise.all(
        asks.map(async (path) => (await ask({ method: 'GET', path, token, from: '127.0.0.201' })).status),
      );
    await until('it is known', 10_000, async () => (await statuses()).every((status) => status === 200));
    await muster.client.call('tokenRevoke', { params: { token: id } });
    const revokedAt = performance.now();
    await until('it is refused', 5000, async () => {
      // Who asks with it too often is slowed besides.
      return (await statuses()).every((status) => status === 401 || status === 429);
    });
    expect(performance.now() - revokedAt).toBeLessThan(1000);
  });

  it('what an access rule allowed ends within a second', async () => {
    const subject = await makeHolder(muster.client, 'let-in', {
      title: 'let in for a while',
      granted: ['own-endpoint'],
    });
    const status = async (): Promise<number> =>
      (await ask({ method: 'GET', path: '/predict/own-endpoint', token: subject.token })).status;
    await until('it is let in', 10_000, async () => (await status()) === 200);
    const params = { endpoint: 'own-endpoint', subjectKind: 'actor' as const, subject: subject.id };
    await muster.client.call('accessEnd', { params });
    const endedAt = performance.now();
    await until('it is not any more', 5000, async () => (await status()) === 404);
    expect(performance.now() - endedAt).toBeLessThan(1000);
  });
});

function anyHolder({ holders }: World): Holder {
  const [first] = holders;
  if (first === undefined) throw new Error('there is nobody');
  return first;
}

/** Endpoints exist in the gateway for who may read or call them. */
function seesInGateway(holder: Holder, endpoint: string, team: string): boolean {
  const target = { kind: 'endpoint', team, endpoint } as const;
  return (['endpoint.read', 'endpoint.predict'] as const).some(
    (action) => verdictOf(holder, action, target) === 'allowed',
  );
}

function expectedOf(
  { action, allowed }: (typeof gatewaySamples)[number],
  holder: Holder,
): { readonly status: number; readonly code?: string } {
  const target = { kind: 'endpoint', team: 'own', endpoint: 'own-endpoint' } as const;
  if (!seesInGateway(holder, 'own-endpoint', 'own')) return { status: 404, code: 'endpoint_not_found' };
  if (action === 'endpoint.read' || verdictOf(holder, action, target) === 'allowed') return { status: allowed };
  return { status: 403, code: 'not_allowed' };
}

/** Addresses of this machine, a few requests each: guesses are slowed by where they come from. */
function* loopbackAddresses(): Generator<string, string> {
  for (let at = 0; ; at++) yield `127.0.1.${1 + (Math.floor(at / 10) % 250)}`;
}

/** The time below which a quarter of them is: what waits for others is above it. */
function fastQuarter(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 4)] ?? 0;
}
