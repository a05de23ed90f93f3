import type { Handlers } from '../identity/index.ts';
import type { Secrets } from './secrets.ts';

/** The routes of this room. */
export type SecretRoute = 'secretList' | 'secretGet' | 'secretSet' | 'secretDelete' | 'secretKeyRotate';

/** Translates the management API into use cases. */
export function secretRoutes(secrets: Secrets): Handlers<SecretRoute> {
  return {
    secretList: async ({ caller, query }) => {
      const { items, next } = await secrets.list(caller, query);
      return { items: [...items], next };
    },
    secretGet: async ({ caller, params: { team, secret } }) => await secrets.get(caller, { team, name: secret }),
    secretSet: async ({ caller, params: { team, secret }, body }) =>
      await secrets.set(caller, { team, name: secret }, body),
    secretDelete: async ({ caller, params: { team, secret }, query }) => {
      await secrets.delete(caller, { team, name: secret }, query.force);
      return undefined;
    },
    secretKeyRotate: async ({ caller }) => await secrets.rotateKey(caller),
  };
}
