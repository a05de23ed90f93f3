import type { RunnerWish, RuntimeHost } from './runtime-host.ts';

/** A runtime host that several rooms use, each for runners of its own. */
export interface SharedRuntimeHost {
  /**
   * The host for one owner, who is named once, before anybody's first list: `want` replaces the runners of that owner
   * only. What is observed is everybody's, so the ids of runners and replicas differ between owners.
   */
  forOwner(owner: string): RuntimeHost;
}

/**
 * Puts the lists of several owners together for a host that takes one whole list. A list that lacks an owner's part would
 * end what still runs for that owner from before a restart of control; so nothing is told before every owner has given a
 * first list, and until then `want` does not resolve.
 */
export function shareRuntimeHost(host: RuntimeHost): SharedRuntimeHost {
  const lists = new Map<string, readonly RunnerWish[] | undefined>();
  const waiting: PromiseWithResolvers<void>[] = [];

  async function want(owner: string, wishes: readonly RunnerWish[]): Promise<void> {
    lists.set(owner, wishes);
    const known = [...lists.values()];
    if (known.includes(undefined)) {
      const turn = Promise.withResolvers<void>();
      waiting.push(turn);
      return await turn.promise;
    }
    const first = waiting.splice(0);
    try {
      await host.want(known.flatMap((list) => list ?? []));
      for (const turn of first) turn.resolve();
    } catch (error) {
      for (const turn of first) turn.reject(error);
      throw error;
    }
  }

  return {
    forOwner(owner) {
      if (lists.has(owner)) throw new TypeError(`the runtime host has an owner ${owner} already`);
      lists.set(owner, undefined);
      return {
        want: async (wishes) => await want(owner, wishes),
        observed: () => host.observed(),
        addressOf: (runnerId) => host.addressOf(runnerId),
        onChange: (callback) => host.onChange(callback),
        // It may be known only later than this is made.
        get isolation() {
          return host.isolation;
        },
      };
    },
  };
}
