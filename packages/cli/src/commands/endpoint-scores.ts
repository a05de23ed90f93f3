import type { Score } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists the batch jobs of an endpoint, newest first. */
export async function endpointScores(invocation: Invocation, name: string): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const params = { endpoint: name };
  const items = await withNearest(
    client,
    'endpoint',
    name,
    async () => await allPages((query) => client.call('scoreList', { params, query })),
  );
  const count = (rows: number): string => rows.toLocaleString('en-GB');
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showList(invocation, items, {
    columns: [
      { title: 'SCORE', value: ({ id }: Score) => id },
      { title: 'VERSION', value: ({ model, version }) => `${model}:${version}` },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'ROWS', value: ({ progress }) => count(progress.rowsDone) },
      { title: 'BAD', value: ({ progress }) => count(progress.badRows) },
      { title: 'STARTED', value: ({ createdAt }) => when(createdAt) },
      { title: 'ENDED', value: ({ finishedAt }) => when(finishedAt) },
      { title: 'OPERATION', value: ({ operation }) => operation, wide: true },
    ],
    name: ({ id }) => id,
    whenEmpty: `No table was scored yet. Score the first:  muster score ${name} rows.csv -o scores.csv`,
  });
}
