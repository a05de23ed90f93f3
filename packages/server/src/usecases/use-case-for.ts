import { MusterError } from '@muster-ml/protocol';
import type { Caller, Identity } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { useCaseStore } from './store.ts';
import { useCaseNotFound, useCaseResource } from './use-case.ts';

/**
 * The use case that an endpoint of a team is to belong to. One that is only proposed will do: whether it was accepted is
 * a question of production.
 *
 * Throws `usecase_not_found`, also where it is of a team that the caller may not see, and `usecase_unfit` where it is of
 * another team, declined or retired. `place` names the input.
 */
export async function useCaseFor(
  parts: { readonly identity: Pick<Identity, 'may'> },
  tx: Tx,
  caller: Caller,
  name: string,
  team: string,
  place = 'body.useCase',
): Promise<{ readonly id: string; readonly name: string }> {
  const useCase = await useCaseStore.find(tx, name);
  if (useCase === undefined || !parts.identity.may(caller, 'usecase.read', useCaseResource(useCase)))
    throw useCaseNotFound(name, place);
  if (useCase.team !== team)
    throw new MusterError('usecase_unfit', `${name} is of team ${useCase.team}, the endpoint of ${team}`, { place });
  if (useCase.state === 'declined' || useCase.state === 'retired')
    throw new MusterError('usecase_unfit', `${name} is ${useCase.state}`, { place });
  return { id: useCase.id, name: useCase.name };
}
