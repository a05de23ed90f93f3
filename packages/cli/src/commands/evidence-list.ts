import type { Evidence } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';

export interface EvidenceListFlags {
  readonly check?: string;
}

/** Lists what drills found of an endpoint and what people signed for, newest first. */
export async function evidenceList(invocation: Invocation, endpoint: string, flags: EvidenceListFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const filter = flags.check === undefined ? {} : { check: flags.check.toUpperCase() };
  const client = await invocation.client();
  const params = { endpoint };
  const items = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await allPages((query) => client.call('evidenceList', { params, query: { ...filter, ...query } })),
  );
  showList(invocation, items, {
    columns: [
      { title: 'CHECK', value: ({ check }: Evidence) => check },
      {
        title: 'RESULT',
        value: ({ passed }) => (passed ? 'passed' : 'failed'),
        paint: (text, { passed }) => (passed ? terminal.paint.green(text) : terminal.paint.red(text)),
      },
      {
        title: 'WHEN',
        value: ({ at }) => timeText(at, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'SOURCE', value: ({ source }) => source },
      { title: 'BY', value: ({ by }) => by.name ?? by.id, shrinks: true },
      {
        title: 'VERSION',
        value: ({ model, version }) => (model === null ? '-' : version === null ? model : `${model}:${version}`),
        shrinks: true,
      },
      { title: 'FOUND', value: ({ summary }) => summary, shrinks: true },
      { title: 'ENTRY', value: ({ entry }) => String(entry), align: 'right' },
      { title: 'FIGURES', value: ({ figures }) => figuresText(figures), wide: true },
      { title: 'ID', value: ({ id }) => id, wide: true },
    ],
    name: ({ id }) => id,
    whenEmpty: `There is no evidence of ${endpoint} yet. What is missing:  ${commandName(invocation)} check ${endpoint}`,
  });
  const [first] = items;
  if (first === undefined || invocation.flags.json === true || invocation.flags.output === 'name') return;
  nextCommands(terminal, [['Prove it', `${commandName(invocation)} audit prove ${first.entry}`]]);
}

function figuresText(figures: Evidence['figures']): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
