import type { Handlers } from '../identity/index.ts';
import type { UseCases } from './use-cases.ts';

/** The routes of this room. */
export type UseCaseRoute =
  | 'useCaseList'
  | 'useCasePropose'
  | 'useCaseGet'
  | 'useCaseUpdate'
  | 'useCaseReview'
  | 'useCaseAccept'
  | 'useCaseDecline'
  | 'useCaseRetire';

/** Translates the management API into use cases. */
export function useCaseRoutes(useCases: UseCases): Handlers<UseCaseRoute> {
  return {
    useCaseList: async ({ caller, query }) => {
      const { items, next } = await useCases.list(caller, query);
      return { items: [...items], next };
    },
    useCasePropose: async ({ caller, body }) => await useCases.propose(caller, body),
    useCaseGet: async ({ caller, params }) => await useCases.get(caller, params.useCase),
    useCaseUpdate: async ({ caller, params, body, ifMatch }) =>
      await useCases.update(caller, params.useCase, body, ifMatch),
    useCaseReview: async ({ caller, params, body }) => await useCases.review(caller, params.useCase, body.answers),
    useCaseAccept: async ({ caller, params, body }) => await useCases.accept(caller, params.useCase, body),
    useCaseDecline: async ({ caller, params, body }) => await useCases.decline(caller, params.useCase, body),
    useCaseRetire: async ({ caller, params, body }) => await useCases.retire(caller, params.useCase, body),
  };
}
