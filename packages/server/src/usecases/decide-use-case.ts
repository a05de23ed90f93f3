import { type RiskTier, type UseCase, adviceOf } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { decidedNotice } from './notices.ts';
import { type UseCaseParts, changeUseCase } from './parts.ts';
import { render } from './read-use-cases.ts';
import { type UseCaseDecision, type UseCaseRecord, stateAfter } from './use-case.ts';

/**
 * Accepts a reviewed use case with its risk tier, also against what the review speaks for: people decide, with a reason.
 * Throws `usecase_not_found`, `not_allowed`, `usecase_state`, `usecase_not_reviewed`.
 */
export async function acceptUseCase(
  parts: UseCaseParts,
  caller: Caller,
  name: string,
  { riskTier, reason }: { readonly riskTier: RiskTier; readonly reason: string },
): Promise<UseCase> {
  return await decide(parts, caller, name, 'accepted', reason, riskTier);
}

/** Declines a proposed use case, reviewed or not. Throws `usecase_not_found`, `not_allowed`, `usecase_state`. */
export async function declineUseCase(
  parts: UseCaseParts,
  caller: Caller,
  name: string,
  { reason }: { readonly reason: string },
): Promise<UseCase> {
  return await decide(parts, caller, name, 'declined', reason, null);
}

/** Ends an accepted use case; its endpoints are orphans from then on. Throws `usecase_not_found`, `not_allowed`, `usecase_state`. */
export async function retireUseCase(
  parts: UseCaseParts,
  caller: Caller,
  name: string,
  { reason }: { readonly reason: string },
): Promise<UseCase> {
  return await decide(parts, caller, name, 'retired', reason);
}

const stepOf = { accepted: 'accept', declined: 'decline', retired: 'retire' } as const;

/** `riskTier`: undefined leaves it as it is. */
async function decide(
  parts: UseCaseParts,
  caller: Caller,
  name: string,
  as: UseCaseDecision['as'],
  reason: string,
  riskTier?: RiskTier | null,
): Promise<UseCase> {
  const action = as === 'retired' ? 'usecase.retire' : 'usecase.decide';
  const useCase = await changeUseCase(parts, caller, action, name, (before, now) => {
    const after: UseCaseRecord = {
      ...before,
      state: stateAfter(stepOf[as], before),
      riskTier: riskTier === undefined ? before.riskTier : riskTier,
      decided: { as, reason, at: now, by: caller.actor.id, entry: null },
      revision: before.revision + 1,
    };
    const advice = before.review === null ? null : adviceOf(before.review.answers).advice;
    return {
      after,
      ctx: { as, riskTier: after.riskTier, advice },
      notification: decidedNotice(caller, after, as),
    };
  });
  return await render(parts, caller, useCase);
}
