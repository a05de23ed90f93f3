import type { Surroundings } from '../surroundings.ts';
import { readState, stateFolder, writeState } from './state-folder.ts';
import { findTarget } from './target.ts';

/** Names that a word may be completed to. */
export interface KnownNames {
  readonly endpoints: readonly string[];
  /** `fraud`, `fraud:3`, `fraud@champion`. */
  readonly models: readonly string[];
  readonly actors: readonly string[];
  readonly teams: readonly string[];
}

const fileName = 'names.json';
const freshMs = 60_000;
/** A person waits at the Tab key: rather nothing than late. */
const limitMs = 300;
const none: KnownNames = { endpoints: [], models: [], actors: [], teams: [] };

/** The names that the server knows, at most a minute old; none where it does not answer at once. Never throws. */
export async function knownNames(surroundings: Surroundings, serverFlag: string | undefined): Promise<KnownNames> {
  try {
    const { server, token } = findTarget(surroundings, serverFlag);
    const folder = stateFolder(surroundings);
    const kept = keptNames(readState(folder, fileName));
    if (kept !== undefined && kept.server === server && surroundings.now() - kept.atMs < freshMs) return kept.names;
    if (token === undefined) return none;
    const names = await askServer(server, token);
    writeState(folder, fileName, { server, atMs: surroundings.now(), names });
    return names;
  } catch {
    return none;
  }
}

/** Asks by plain requests: loading the typed client would take half of the time that there is. */
async function askServer(server: string, token: string): Promise<KnownNames> {
  const signal = AbortSignal.timeout(limitMs);
  const list = async (path: string): Promise<readonly Record<string, unknown>[]> => {
    const response = await fetch(`${server}${path}?limit=1000`, {
      headers: { authorization: `Bearer ${token}` },
      signal,
      redirect: 'error',
    });
    if (!response.ok) return [];
    const page: unknown = await response.json();
    return typeof page === 'object' && page !== null && 'items' in page && Array.isArray(page.items)
      ? (page.items as Record<string, unknown>[])
      : [];
  };
  const [endpoints, models, actors, teams] = await Promise.all(
    ['endpoints', 'models', 'actors', 'teams'].map(async (noun) => await list(`/api/v1/${noun}`)),
  );
  return {
    endpoints: namesOf(endpoints),
    models: (models ?? []).flatMap(modelNames),
    // A name with spaces is more than one word to the shells.
    actors: namesOf(actors).filter((name) => !/\s/.test(name)),
    teams: namesOf(teams),
  };
}

function namesOf(items: readonly Record<string, unknown>[] = []): string[] {
  return items.map(({ name }) => String(name));
}

function modelNames({ name, latestVersion, aliases }: Record<string, unknown>): string[] {
  const model = String(name);
  const versions = typeof latestVersion === 'number' ? [`${model}:${latestVersion}`] : [];
  return [model, ...versions, ...Object.keys(aliases ?? {}).map((alias) => `${model}@${alias}`)];
}

function keptNames(
  value: unknown,
): { readonly server: string; readonly atMs: number; readonly names: KnownNames } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { server, atMs, names } = value as { server?: unknown; atMs?: unknown; names?: Partial<KnownNames> };
  if (typeof server !== 'string' || typeof atMs !== 'number' || names == null) return undefined;
  const { endpoints, models, actors, teams } = names;
  const lists = [endpoints, models, actors, teams];
  // A file of an older release lacks some: then the server is asked again.
  if (!lists.every((list) => Array.isArray(list))) return undefined;
  const [ofEndpoints = [], ofModels = [], ofActors = [], ofTeams = []] = lists.map((list) => list.map(String));
  return { server, atMs, names: { endpoints: ofEndpoints, models: ofModels, actors: ofActors, teams: ofTeams } };
}
