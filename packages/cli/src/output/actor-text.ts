import type { ActorDetail } from '@muster-ml/protocol';

/** Roles by team in a line: `default (admin, viewer), search (viewer)`; empty where there are none. */
export function teamRolesText(teams: ActorDetail['teams']): string {
  return Object.entries(teams)
    .map(([team, roles]) => `${team} (${roles.join(', ')})`)
    .join(', ');
}

/** `a person`, `a service account of search`. */
export function kindText({ kind, team }: Pick<ActorDetail, 'kind' | 'team'>): string {
  if (kind === 'person') return 'a person';
  return `a service account${team === null ? '' : ` of ${team}`}`;
}
