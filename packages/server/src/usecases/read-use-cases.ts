import { MusterError, type Page, type UseCase, type useCaseQuerySchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { type UseCaseParts, findUseCase } from './parts.ts';
import { type UseCaseRecord, renderUseCase } from './use-case.ts';

export type UseCaseQuery = z.output<typeof useCaseQuerySchema>;

type ReadParts = Pick<UseCaseParts, 'database' | 'store' | 'identity'>;

/** One use case. Throws `usecase_not_found`. */
export async function getUseCase(parts: ReadParts, caller: Caller, name: string): Promise<UseCase> {
  return await render(parts, caller, await findUseCase(parts, caller, 'usecase.read', name));
}

/** The use cases that the caller sees, by name. The cursor is the last name. */
export async function listUseCases(parts: ReadParts, caller: Caller, query: UseCaseQuery): Promise<Page<UseCase>> {
  const { team, state, after, limit } = query;
  const scope = parts.identity.scope(caller, 'usecase.read');
  const found = await parts.store.after(parts.database.reader, { scope, team, state, after, limit: limit + 1 });
  const shown = found.slice(0, limit);
  const last = found.length > limit ? shown.at(-1) : undefined;
  const items = await renderAll(parts, caller, shown);
  return last === undefined ? { items } : { items, next: last.name };
}

/** A use case as it is shown to a caller who may see it. */
export async function render(parts: ReadParts, caller: Caller, useCase: UseCaseRecord): Promise<UseCase> {
  const [shown] = await renderAll(parts, caller, [useCase]);
  if (shown === undefined) throw new MusterError('internal_error', 'the use case was not rendered');
  return shown;
}

async function renderAll(
  { database, store, identity }: ReadParts,
  caller: Caller,
  useCases: readonly UseCaseRecord[],
): Promise<readonly UseCase[]> {
  const ids = useCases.map(({ id }) => id);
  const actors = useCases.flatMap(({ proposed, review, decided }) =>
    [proposed, review, decided].flatMap((act) => act?.by ?? []),
  );
  const [endpoints, live, names] = await Promise.all([
    store.endpointsOf(database.reader, ids),
    store.live(database.reader, ids),
    identity.namesOf([...new Set(actors)]),
  ]);
  const mayBeSeen = ({ name, team }: { readonly name: string; readonly team: string }): boolean =>
    identity.may(caller, 'endpoint.read', { kind: 'endpoint', id: name, team });
  const byUseCase = Map.groupBy(endpoints.filter(mayBeSeen), ({ useCase }) => useCase);
  return useCases.map((useCase) =>
    renderUseCase(useCase, {
      isLive: live.has(useCase.id),
      endpoints: (byUseCase.get(useCase.id) ?? []).map(({ name }) => name),
      names,
    }),
  );
}
