import type { Follow, SetFollow } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { Follower } from './follower.ts';
import type { FollowingParts } from './parts.ts';
import { endFollow, getFollow, setFollow } from './set-follow.ts';
import { followStore } from './store.ts';

/** Endpoints that serve whatever an alias of an MLflow server names. What each use case throws is said where it is written. */
export interface Following {
  setFollow(caller: Caller, endpoint: string, wish: SetFollow): Promise<Follow>;
  getFollow(caller: Caller, endpoint: string): Promise<Follow>;
  endFollow(caller: Caller, endpoint: string): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Puts the room together; nothing runs before `start`. */
export function createFollowing(given: Omit<FollowingParts, 'store'>): Following {
  const parts: FollowingParts = { ...given, store: followStore };
  const follower = new Follower(parts);
  return {
    async setFollow(caller, endpoint, wish) {
      const follow = await setFollow(parts, caller, endpoint, wish);
      follower.wake();
      return follow;
    },
    getFollow: async (caller, endpoint) => await getFollow(parts, caller, endpoint),
    endFollow: async (caller, endpoint) => await endFollow(parts, caller, endpoint),
    start: () => follower.start(),
    stop: async () => await follower.stop(),
  };
}
