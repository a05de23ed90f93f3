import type { Handlers } from '../identity/index.ts';
import type { Usage } from './usage.ts';

/** Routes of who calls what. */
export function usageRoutes(usage: Pick<Usage, 'readCallers'>): Handlers<'endpointCallers'> {
  return {
    endpointCallers: async ({ caller, params, query }) => await usage.readCallers(caller, params.endpoint, query),
  };
}
