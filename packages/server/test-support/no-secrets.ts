import type { SecretUses } from '../src/secrets/index.ts';

/** Where nothing refers to a secret. */
export const noSecrets: SecretUses = {
  authorizeUse: async () => await Promise.resolve(),
  hold: async () => await Promise.resolve(),
  values: async () => await Promise.resolve({}),
  onChange: () => () => {},
};
