import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists the models. */
export async function modelList(invocation: Invocation): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const items = await allPages((query) => client.call('modelList', { query }));
  showList(invocation, items, {
    columns: [
      { title: 'NAME', value: ({ name }) => name, shrinks: true },
      {
        title: 'LATEST',
        value: ({ latestVersion }) => (latestVersion === null ? '-' : String(latestVersion)),
        align: 'right',
      },
      { title: 'ALIASES', value: ({ aliases }) => aliasesText(aliases), shrinks: true },
      { title: 'TEAM', value: ({ team }) => team, shrinks: true },
      {
        title: 'CREATED',
        value: ({ createdAt }) => timeText(createdAt, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'BY', value: ({ createdBy }) => createdBy, wide: true, shrinks: true },
      { title: 'DESCRIPTION', value: ({ description }) => description || '-', wide: true, shrinks: true },
    ],
    name: ({ name }) => name,
    whenEmpty: 'No models yet. Hand over the first:  muster deploy model.onnx --name fraud',
  });
}

export function aliasesText(aliases: Readonly<Record<string, number>>): string {
  return (
    Object.entries(aliases)
      .map(([alias, version]) => `${alias} ${version}`)
      .join(', ') || '-'
  );
}
