import type { StandingEvent } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';

/** Lists how the standing of an endpoint changed, newest first, and by whom. */
export async function standing(invocation: Invocation, endpoint: string): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const params = { endpoint };
  const items = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await allPages((query) => client.call('standingEvents', { params, query })),
  );
  const muster = commandName(invocation);
  showList(invocation, items, {
    columns: [
      {
        title: 'WHEN',
        value: ({ at }: StandingEvent) => timeText(at, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      {
        title: 'WHAT',
        value: ({ what }) => what,
        paint: (text, { what }) =>
          what === 'lapsed' || what === 'rejected' ? terminal.paint.red(text) : terminal.paint.green(text),
      },
      {
        title: 'VERSION',
        value: ({ model, version }) => (model === null ? '-' : version === null ? model : `${model}:${version}`),
        shrinks: true,
      },
      { title: 'BY', value: ({ by }) => (by === null ? '-' : (by.name ?? by.id)), shrinks: true },
      { title: 'WHY', value: ({ reasons }) => reasons.join('; '), shrinks: true },
      { title: 'ENTRY', value: ({ entry }) => String(entry), align: 'right' },
    ],
    name: ({ entry }) => String(entry),
    whenEmpty: `Nobody has asked for production for ${endpoint} yet. How fit it is:  ${muster} check ${endpoint}`,
  });
  const [first] = items;
  if (first === undefined || invocation.flags.json === true || invocation.flags.output === 'name') return;
  nextCommands(terminal, [
    ['What is missing', `${muster} check ${endpoint}`],
    ['Prove it', `${muster} audit prove ${first.entry}`],
  ]);
}
