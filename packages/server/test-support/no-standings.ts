import type { Standings } from '../src/standing/index.ts';

/** Where nothing was ever submitted, as outside `prod`: nothing is refused. */
export const noStandings: Pick<Standings, 'of' | 'refuseLive'> = {
  of: async () => await Promise.resolve(new Map()),
  refuseLive: async () => await Promise.resolve(),
};
