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
  token_not_found: {
    kind: 'not_found',
    title: 'There is no such token',
    remedy: 'List yours with muster token list.',
  },
  token_limits: {
    kind: 'invalid',
    title: 'A token cannot be made like this',
    remedy: 'Ask for actions and resources that the token you use has itself, and for service accounts of your teams.',
  },
  not_allowed: {
    kind: 'forbidden',
    title: 'You may not do this',
    remedy:
      'Ask an admin for a role that holds the action that is named; muster access explain says which rule decided.',
  },
  actor_not_found: { kind: 'not_found', title: 'There is no such actor', remedy: 'Check the name.' },
  actor_exists: {
    kind: 'conflict',
    title: 'The name is taken',
    remedy: 'Choose another; names of actors differ in more than case.',
  },
  team_not_found: { kind: 'not_found', title: 'There is no such team', remedy: 'Check the name.' },
  team_exists: { kind: 'conflict', title: 'The name is taken', remedy: 'Choose another name for the team.' },
  role_not_held: {
    kind: 'not_found',
    title: 'The actor does not hold this role by hand',
    remedy: 'A role that comes from a spec or a directory is taken back there.',
  },
  access_not_found: {
    kind: 'not_found',
    title: 'There is no such access rule',
    remedy: 'List the rules of the endpoint.',
  },
  last_admin: {
    kind: 'failed_precondition',
    title: 'The last admin stays',
    remedy: 'Make another person admin of the installation first.',
  },
});
