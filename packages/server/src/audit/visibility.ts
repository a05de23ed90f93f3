import type { Identity } from '../identity/index.ts';
import type { EntryFilter } from '../ledger/index.ts';

type Scope = ReturnType<Identity['scope']>;

/**
 * The entries of a scope, as the ledger selects by: all, or those of some teams and the actor's own.
 *
 * A token that is limited to teams sees entries of those only, and of its actor's own none besides: whose they are says
 * nothing about where they belong. One that is limited to endpoints sees none in lists.
 */
export function visibleIn({ reach, owner, within }: Scope): EntryFilter['visible'] {
  if (within === undefined) return reach.teams === '*' ? '*' : { teams: reach.teams, actor: owner ?? nobody };
  if (within.teams === '*') return visibleIn({ reach, owner, within: undefined });
  const limit = within.teams;
  return { teams: reach.teams === '*' ? limit : reach.teams.filter((team) => limit.includes(team)), actor: nobody };
}

/** No actor has this id. */
const nobody = '';
