import type { UseCase } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { type UseCaseParts, changeUseCase, refuseStale } from './parts.ts';
import { render } from './read-use-cases.ts';
import { type UseCaseText, changedFields, withText } from './use-case.ts';

/**
 * Changes what a use case says. While it is proposed, a change of what the review was about makes the review void; an
 * accepted one stays accepted, and the ledger tells which fields changed. Throws `usecase_not_found`, `not_allowed`,
 * `usecase_state`, and `stale_revision` where `revision` is given and is not the present one.
 */
export async function updateUseCase(
  parts: UseCaseParts,
  caller: Caller,
  name: string,
  text: { readonly [K in keyof UseCaseText]?: UseCaseText[K] | undefined },
  revision: number | undefined,
): Promise<UseCase> {
  const given = Object.fromEntries(
    Object.entries(text).filter(([, value]) => value !== undefined),
  ) as Partial<UseCaseText>;
  const useCase = await changeUseCase(parts, caller, 'usecase.update', name, (before) => {
    refuseStale(before, revision);
    const after = withText(before, given);
    const isReviewVoid = before.review !== null && after.review === null;
    return { after, ctx: { fields: changedFields(before, given), revision: after.revision, isReviewVoid } };
  });
  return await render(parts, caller, useCase);
}
