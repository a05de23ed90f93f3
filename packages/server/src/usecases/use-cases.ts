import type { Page, ProposeUseCase, ReviewAnswers, RiskTier, UseCase } from '@muster-ml/protocol';
import type { Caller, Resource } from '../identity/index.ts';
import { acceptUseCase, declineUseCase, retireUseCase } from './decide-use-case.ts';
import type { UseCaseParts } from './parts.ts';
import { proposeUseCase } from './propose-use-case.ts';
import { type UseCaseQuery, getUseCase, listUseCases } from './read-use-cases.ts';
import { reviewUseCase } from './review-use-case.ts';
import { useCaseStore } from './store.ts';
import { updateUseCase } from './update-use-case.ts';
import { useCaseResource } from './use-case.ts';

/** Why models exist. What each use case throws is said where it is written. */
export interface UseCases {
  list(caller: Caller, query: UseCaseQuery): Promise<Page<UseCase>>;
  get(caller: Caller, name: string): Promise<UseCase>;
  propose(caller: Caller, wish: ProposeUseCase): Promise<UseCase>;
  update(
    caller: Caller,
    name: string,
    text: Parameters<typeof updateUseCase>[3],
    revision: number | undefined,
  ): Promise<UseCase>;
  review(caller: Caller, name: string, answers: ReviewAnswers): Promise<UseCase>;
  accept(
    caller: Caller,
    name: string,
    decision: { readonly riskTier: RiskTier; readonly reason: string },
  ): Promise<UseCase>;
  decline(caller: Caller, name: string, decision: { readonly reason: string }): Promise<UseCase>;
  retire(caller: Caller, name: string, decision: { readonly reason: string }): Promise<UseCase>;
  /** Whose it is and who asked for it, for who explains decisions about it; nothing is decided here. */
  resource(name: string): Promise<Pick<Resource, 'team' | 'owner' | 'requesters'> | undefined>;
}

export function createUseCases(given: Omit<UseCaseParts, 'store'>): UseCases {
  const parts: UseCaseParts = { ...given, store: useCaseStore };
  return {
    list: async (caller, query) => await listUseCases(parts, caller, query),
    get: async (caller, name) => await getUseCase(parts, caller, name),
    propose: async (caller, wish) => await proposeUseCase(parts, caller, wish),
    update: async (caller, name, text, revision) => await updateUseCase(parts, caller, name, text, revision),
    review: async (caller, name, answers) => await reviewUseCase(parts, caller, name, answers),
    accept: async (caller, name, decision) => await acceptUseCase(parts, caller, name, decision),
    decline: async (caller, name, decision) => await declineUseCase(parts, caller, name, decision),
    retire: async (caller, name, decision) => await retireUseCase(parts, caller, name, decision),
    async resource(name) {
      const useCase = await parts.store.find(parts.database.reader, name);
      return useCase === undefined ? undefined : useCaseResource(useCase);
    },
  };
}
