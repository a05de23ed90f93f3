import type { Observed } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { observationText, probeText } from '../output/observed-text.ts';
import { showList } from '../output/show-list.ts';
import type { Column } from '../output/table.ts';
import { timeText } from '../output/time-text.ts';

/** Lists the endpoints that something else serves. */
export async function observedList(invocation: Invocation): Promise<void> {
  const client = await invocation.client();
  const items = await allPages((query) => client.call('observedList', { query }));
  showList(invocation, items, {
    columns: columns(invocation),
    name: ({ name }) => name,
    whenEmpty: 'Nothing that runs elsewhere is listed. Add some:  muster import csv FILE, or muster observed add NAME',
  });
}

function columns({ terminal, surroundings }: Invocation): Column<Observed>[] {
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  return [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'TEAM', value: ({ team }) => team, shrinks: true },
    { title: 'PLATFORM', value: ({ platform }) => platform, shrinks: true },
    { title: 'MODEL', value: ({ model }) => model ?? '-', shrinks: true },
    { title: 'VERSION', value: ({ version }) => version ?? '-', shrinks: true },
    {
      title: 'PROBE',
      value: ({ probe }) => probeText(probe),
      paint: (text, { probe }) =>
        probe?.ok === true ? terminal.paint.green(text) : probe?.ok === false ? terminal.paint.red(text) : text,
    },
    { title: 'LOOKED', value: ({ probe }) => when(probe?.at ?? null) },
    { title: 'REPORTED', value: ({ observation }) => observationText(observation), wide: true },
    { title: 'LOCATION', value: ({ location }) => location || '-', wide: true, shrinks: true },
    { title: 'FROM', value: ({ source }) => source, wide: true },
  ];
}
