import type { Handlers } from '../identity/index.ts';
import type { Following } from './following.ts';

/** The routes of this room. */
export type FollowRoute = 'followGet' | 'followSet' | 'followEnd';

/** Translates the management API into use cases. */
export function followRoutes(following: Following): Handlers<FollowRoute> {
  return {
    followGet: async ({ caller, params }) => await following.getFollow(caller, params.endpoint),
    followSet: async ({ caller, params, body }) => await following.setFollow(caller, params.endpoint, body),
    followEnd: async ({ caller, params }) => {
      await following.endFollow(caller, params.endpoint);
      return undefined;
    },
  };
}
