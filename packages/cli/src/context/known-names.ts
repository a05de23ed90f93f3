import type { Surroundings } from '../surroundings.ts';
import { readState, stateFolder, writeState } from './state-folder.ts';
import { findTarget } from './target.ts';

/** Names that a word may be completed to. */
export interface KnownNames {
  readonly endpoints: readonly string[];
  /** `fraud`, `fraud:3`, `fraud@champion`. */
  readonly models: readonly string[];
}

const fileName = 'names.json';
const freshMs = 60_000;
/** A person waits at the Tab key: rather nothing than late. */
const limitMs = 300;
const none: KnownNames = { endpoints: [], models: [] };

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
  const [endpoints, models] = await Promise.all([list('/api/v1/endpoints'), list('/api/v1/models')]);
  return { endpoints: endpoints.map(({ name }) => String(name)), models: models.flatMap(modelNames) };
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
  if (
    typeof server !== 'string' ||
    typeof atMs !== 'number' ||
    !Array.isArray(names?.endpoints) ||
    !Array.isArray(names.models)
  )
    return undefined;
  return { server, atMs, names: { endpoints: names.endpoints.map(String), models: names.models.map(String) } };
}
