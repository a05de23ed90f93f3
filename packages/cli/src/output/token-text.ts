import type { Token } from '@muster-ml/protocol';

/** What a token is limited to, in a line; `-` where it may whatever its owner may. */
export function tokenLimitsText({ actions, resources }: Pick<Token, 'actions' | 'resources'>): string {
  if (actions === null && resources === null) return '-';
  const to = actions === null ? 'anything' : actions.join(', ');
  return resources === null ? to : `${to} on ${resources.join(', ')}`;
}
