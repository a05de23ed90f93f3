import type { Handlers } from '../identity/index.ts';
import type { Observing } from './observing.ts';

/** The routes of this room. */
export type ObservedRoute =
  | 'observedList'
  | 'observedCreate'
  | 'observedImport'
  | 'observedGet'
  | 'observedUpdate'
  | 'observationPush';

/** Translates the management API into use cases. */
export function observedRoutes(observing: Observing): Handlers<ObservedRoute> {
  return {
    observedList: async ({ caller, query }) => {
      const { items, ...next } = await observing.list(caller, query);
      return { items: [...items], ...next };
    },
    observedCreate: async ({ caller, body }) => await observing.create(caller, body),
    observedImport: async ({ caller, body }) => await observing.import(caller, body),
    observedGet: async ({ caller, params }) => await observing.get(caller, params.endpoint),
    observedUpdate: async ({ caller, params, body }) => await observing.update(caller, params.endpoint, body),
    observationPush: async ({ caller, params, body }) => await observing.push(caller, params.endpoint, body),
  };
}
