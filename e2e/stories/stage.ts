import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Readiness, Role } from '@muster-ml/protocol';
import { cli } from '../support/command-line.ts';
import { type Place, type RunningMuster, launcher, makePlace, removePlace, startMuster } from '../support/muster.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

/** Somebody who acts: the environment in which their commands run. */
export type Who = Readonly<Record<string, string>>;

/** An installation that is production, with one team, on which a story is played with the command line alone. */
export interface Stage {
  readonly place: Place;
  readonly muster: RunningMuster;
  /** Runs a command as it would be typed, quotes included; answers its data. Throws with what it said. */
  as(who: Who, line: string): Promise<string>;
  /** The same, with everything that it says to a person. */
  heard(who: Who, line: string): Promise<string>;
  /** Adds somebody with roles in the team, and a token. */
  person(name: string, ...roles: readonly Role[]): Promise<Who>;
  readiness(endpoint: string): Promise<Readiness>;
  standing(endpoint: string): Promise<string>;
  /** Ids of the required checks that do not hold. */
  gaps(endpoint: string): Promise<readonly string[]>;
  /** Closes every gap but the review by the command that is printed beside it; what a person has to fill in is given. */
  closeGaps(who: Who, endpoint: string, given: Readonly<Record<string, string>>): Promise<void>;
  /** The answer to a prediction. Throws with what it said where that is no success. */
  ask(who: Who, path: string, body: unknown): Promise<unknown>;
  /** The status of a prediction. */
  statusOf(who: Who, path: string, body: unknown): Promise<number>;
  close(): Promise<void>;
}

/** The admin of the first start, whose token the command line finds by itself. */
export const admin: Who = {};

export async function openStage(team: string, settings: object = {}): Promise<Stage> {
  const place = await makePlace();
  const config = join(place.folder, 'muster.config.json');
  await writeFile(config, JSON.stringify({ environment: 'prod', ...settings }));
  const muster = await startMuster(place, { flags: ['--config', config] });
  async function send(who: Who, path: string, body: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${who['MUSTER_TOKEN']}`, 'content-type': 'application/json' };
    return await fetch(`${muster.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  }
  const stage: Stage = {
    place,
    muster,
    as: async (who, line) => await cli(muster, wordsOf(line), who),
    async heard(who, line) {
      const env = { ...place.environment, ...who, MUSTER_SERVER: muster.url, NO_COLOR: '1', LANG: 'C.UTF-8' };
      const { stdout, stderr } = await run(process.execPath, [launcher, ...wordsOf(line)], { env, timeout: 60_000 });
      return stdout + stderr;
    },
    // Whoever plays a part is there before the story begins, so not by the command line, which takes its time.
    async person(name, ...roles) {
      const { client } = muster;
      const { id } = await client.call('actorCreate', { body: { name } });
      for (const role of roles) await client.call('roleGrant', { params: { team, actor: id, role } });
      const { token } = await client.call('tokenCreate', { body: { actor: id, expiresInDays: 7 } });
      return { MUSTER_TOKEN: token };
    },
    readiness: async (endpoint) => await muster.client.call('endpointReadiness', { params: { endpoint }, query: {} }),
    standing: async (endpoint) => (await stage.readiness(endpoint)).standing.state,
    gaps: async (endpoint) => openChecks(await stage.readiness(endpoint)).map(({ id }) => id),
    async closeGaps(who, endpoint, given) {
      // That somebody was here is written down every half a minute, and a newcomer was not here before.
      await until('its owner was seen', 60_000, async () => !(await stage.gaps(endpoint)).includes('R01'));
      // What is missing may need two steps, such as an objective before the load against it.
      for (let step = 0; step < 20; step++) {
        const gap = openChecks(await stage.readiness(endpoint)).find(({ id }) => id !== 'R19');
        if (gap === undefined) return;
        const { remedy, summary } = gap.outcome;
        const isForPeople = remedy !== null && /\b(?:NAME|URL)\b/.test(remedy);
        if (remedy === null || (isForPeople && given[gap.id] === undefined))
          throw new Error(`nobody knows how to close ${gap.id}: ${summary} (${remedy})`);
        const line = remedy
          .replace(/^muster /, '')
          .replace(/\b(?:NAME|URL)\b/, given[gap.id] ?? '')
          .replace(/\bTEXT\b/, '"I opened it, and it says what to do."');
        await stage.as(who, line.startsWith('drill ') ? `${line} --seconds 2` : line);
      }
      throw new Error(`gaps stay open: ${(await stage.gaps(endpoint)).join(', ')}`);
    },
    async ask(who, path, body) {
      const answer = await send(who, path, body);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
      return JSON.parse(text) as unknown;
    },
    async statusOf(who, path, body) {
      const answer = await send(who, path, body);
      await answer.arrayBuffer();
      return answer.status;
    },
    async close() {
      await muster.stop();
      await removePlace(place);
    },
  };
  try {
    await muster.client.call('teamCreate', { body: { name: team } });
  } catch (error) {
    await stage.close();
    throw error;
  }
  return stage;
}

function openChecks({ verdict }: Readiness): Readiness['verdict']['checks'] {
  return verdict.checks.filter(({ required, holds }) => required && !holds);
}

/** Words as a shell takes them apart. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
