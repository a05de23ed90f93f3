import { codes } from './kind.ts';

/** Codes of secrets and of the keys that they are kept under. */
export const secretCodes = codes({
  secret_not_found: {
    kind: 'not_found',
    title: 'There is no such secret',
    remedy: 'Check its team and name; muster secret list shows those that you may see.',
  },
  secret_in_use: {
    kind: 'conflict',
    title: 'Deployments refer to the secret',
    remedy: 'Deploy them without it first, or name the secret in force: their next start fails then.',
  },
  secret_unreadable: {
    kind: 'internal',
    title: 'The secret cannot be opened',
    remedy: 'Its row in the database or its key was changed: restore both, or set the secret again.',
  },
  secret_key_missing: {
    kind: 'failed_precondition',
    title: 'The key of the secrets is not there',
    remedy:
      'Bring the key file back from where it is kept. If it is lost, so are the values: start once with --secrets-forget-lost, and set them again.',
  },
  secret_key_wrong: {
    kind: 'failed_precondition',
    title: 'The key does not open the secrets of this database',
    remedy:
      'Bring back the key file that belongs to this database. If it is lost, so are the values: start once with --secrets-forget-lost, and set them again.',
  },
  secret_key_invalid: {
    kind: 'failed_precondition',
    title: 'The key file of the secrets cannot be used',
    remedy:
      'It holds 32 random bytes as base64 in one line (openssl rand -base64 32) and is readable by its owner only.',
  },
  secret_key_read_only: {
    kind: 'failed_precondition',
    title: 'Muster cannot write a new key',
    remedy:
      'Put the new key in the key file yourself and the old one beside it, named by its key id; then rotate again to wrap with it.',
  },
});
