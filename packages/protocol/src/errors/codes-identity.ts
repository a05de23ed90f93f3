import { codes } from './kind.ts';

/** Codes of who asks and what they may do. */
export const identityCodes = codes({
  token_missing: {
    kind: 'unauthenticated',
    title: 'Sign in first',
    remedy: 'Send a token as "Authorization: Bearer …"; on this machine muster up has saved one for the CLI.',
  },
  token_invalid: {
    kind: 'unauthenticated',
    title: 'The token is not valid',
    remedy: 'Check that it is complete and was not revoked.',
  },
  token_expired: { kind: 'unauthenticated', title: 'The token has expired', remedy: 'Ask for a new one.' },
  not_allowed: {
    kind: 'forbidden',
    title: 'You may not do this',
    remedy: 'Ask an admin for a role that holds the action that is named.',
  },
  team_not_found: { kind: 'not_found', title: 'There is no such team', remedy: 'Check the name.' },
});
