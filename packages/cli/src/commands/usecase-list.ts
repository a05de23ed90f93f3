import type { UseCase, UseCaseState } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';
import { whoText } from './usecase-text.ts';

export interface UseCaseListFlags {
  readonly state?: UseCaseState;
  readonly team?: string;
}

/** Lists the use cases. */
export async function usecaseList(invocation: Invocation, { state, team }: UseCaseListFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const filter = { ...(state === undefined ? {} : { state }), ...(team === undefined ? {} : { team }) };
  const items = await allPages((query) => client.call('useCaseList', { query: { ...query, ...filter } }));
  showList<UseCase>(invocation, items, {
    columns: [
      { title: 'NAME', value: ({ name }) => name },
      {
        title: 'STATE',
        value: (useCase) => useCase.state,
        paint: (text, useCase) => (useCase.state === 'live' ? terminal.paint.green(text) : text),
      },
      { title: 'RISK', value: ({ riskTier }) => riskTier ?? '-' },
      { title: 'ENDPOINTS', value: ({ endpoints }) => endpoints.join(', ') || '-', shrinks: true },
      { title: 'TEAM', value: (useCase) => useCase.team, shrinks: true },
      { title: 'TITLE', value: ({ title }) => title, shrinks: true },
      {
        title: 'PROPOSED',
        value: ({ proposed }) => timeText(proposed.at, { relative: terminal.isRead, nowMs: surroundings.now() }),
        wide: true,
      },
      { title: 'BY', value: ({ proposed }) => whoText(proposed), wide: true, shrinks: true },
    ],
    name: ({ name }) => name,
    whenEmpty:
      Object.keys(filter).length > 0
        ? 'No use case is like that.'
        : 'No use cases yet. Propose the first:  muster usecase propose fraud-alerts --title TEXT --problem TEXT',
  });
}
