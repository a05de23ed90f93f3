import { type ReviewAnswers, type UseCase, adviceOf } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { proposedNotice } from './notices.ts';
import { type UseCaseParts, changeUseCase } from './parts.ts';
import { render } from './read-use-cases.ts';
import { stateAfter } from './use-case.ts';

/**
 * Records the answers of the guided review, in place of those of before. A declined use case is proposed again by it.
 * Throws `usecase_not_found`, `not_allowed`, `usecase_state`.
 */
export async function reviewUseCase(
  parts: UseCaseParts,
  caller: Caller,
  name: string,
  answers: ReviewAnswers,
): Promise<UseCase> {
  const { advice } = adviceOf(answers);
  const useCase = await changeUseCase(parts, caller, 'usecase.review', name, (before, now) => {
    const review = { answers, at: now, by: caller.actor.id };
    const after = { ...before, state: stateAfter('review', before), review, revision: before.revision + 1 };
    const isProposedAgain = before.state === 'declined';
    return {
      after,
      ctx: {
        answers: Object.fromEntries(Object.entries(answers).map(([question, { answer }]) => [question, answer])),
        advice,
        isProposedAgain,
      },
      ...(isProposedAgain ? { notification: proposedNotice(caller, after) } : {}),
    };
  });
  return await render(parts, caller, useCase);
}
