import { MusterError, type ProposeUseCase, type UseCase } from '@muster-ml/protocol';
import { type Caller, ledgerActor, teamNotFound } from '../identity/index.ts';
import { isUniqueViolation } from '../platform/database/index.ts';
import { proposedNotice } from './notices.ts';
import { type UseCaseParts, auditedDigest } from './parts.ts';
import { render } from './read-use-cases.ts';
import type { UseCaseRecord } from './use-case.ts';

/** Writes a use case down. Throws `team_not_found`, `not_allowed`, `usecase_exists`. */
export async function proposeUseCase(parts: UseCaseParts, caller: Caller, wish: ProposeUseCase): Promise<UseCase> {
  const { database, identity, ledger, store, clock, newId } = parts;
  const missing = (): MusterError => teamNotFound(wish.team, { place: 'body.team' });
  identity.authorize(caller, 'usecase.propose', { kind: 'usecase', id: wish.name, team: wish.team, missing });
  const useCase: UseCaseRecord = {
    ...wish,
    id: newId(),
    state: 'proposed',
    riskTier: null,
    review: null,
    decided: null,
    revision: 1,
    proposed: { at: clock.now(), by: caller.actor.id },
  };
  try {
    await database.inTransaction(async (tx) => {
      await store.insert(tx, useCase);
      await parts.notify(tx, proposedNotice(caller, useCase));
      await ledger.append(tx, {
        actor: ledgerActor(caller),
        action: 'usecase.propose',
        subject: { kind: 'usecase', id: useCase.name },
        team: useCase.team,
        outcome: 'allowed',
        request: caller.requestId,
        after: auditedDigest(useCase),
        ctx: { useCase: useCase.id },
      });
    });
  } catch (error) {
    if (isUniqueViolation(error, 'use_case'))
      throw new MusterError('usecase_exists', `the name ${wish.name} is taken`, { place: 'body.name', cause: error });
    if (error instanceof MusterError && error.code === 'reference_violation') throw missing();
    throw error;
  }
  return await render(parts, caller, useCase);
}
