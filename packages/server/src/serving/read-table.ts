import type { CallLimit, Reach, TokenGrant } from '../identity/index.ts';
import type { RoutingTable } from './routing-table.ts';

/**
 * A table from its JSON text; undefined if it is none. What control made is not checked field by field, only that it is
 * whole; of who may call, what is not understood is denied.
 *
 * A table of the release before, which knew no access rules, from disk or from a control that is not upgraded yet, is decided by as it was meant:
 * its tokens name the endpoints that they may call, and those are what exists for them.
 */
export function parseTable(text: string): RoutingTable | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, installation, endpoints, tokens, limits } = value as Partial<RoutingTable>;
  const isWhole =
    Number.isSafeInteger(version) &&
    typeof installation === 'string' &&
    Array.isArray(endpoints) &&
    Array.isArray(tokens);
  if (!isWhole) return undefined;
  return {
    ...(value as RoutingTable),
    tokens: (tokens as readonly WrittenGrant[]).map(readGrant),
    limits: Array.isArray(limits) ? (limits as readonly CallLimit[]) : [],
  };
}

/** As tables hold a grant: `predict` was `*` or names of endpoints, and there was no `see`. */
type WrittenGrant = Omit<TokenGrant, 'see' | 'predict' | 'within'> & {
  readonly see?: unknown;
  readonly predict?: unknown;
  readonly within?: unknown;
};

const nothing: Reach = { teams: [], endpoints: [] };

function readGrant(written: WrittenGrant): TokenGrant {
  const { see, predict, within, ...grant } = written;
  if (isReach(see) && isReach(predict))
    // A limit that cannot be read leaves nothing.
    return { ...grant, see, predict, ...(within === undefined ? {} : { within: isReach(within) ? within : nothing }) };
  const reach = see === undefined && within === undefined ? reachOfOldGrant(predict) : nothing;
  return { ...grant, see: reach, predict: reach };
}

function reachOfOldGrant(predict: unknown): Reach {
  if (predict === '*') return { teams: '*', endpoints: [] };
  return isNames(predict) ? { teams: [], endpoints: predict } : nothing;
}

function isReach(value: unknown): value is Reach {
  if (typeof value !== 'object' || value === null) return false;
  const { teams, endpoints } = value as { readonly teams?: unknown; readonly endpoints?: unknown };
  return (teams === '*' || isNames(teams)) && isNames(endpoints);
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
