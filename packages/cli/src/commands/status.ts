import type { Endpoint, InstallationStatus, ProcessStatus } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { endpointColumns } from '../output/endpoint-columns.ts';
import { showFacts } from '../output/show-facts.ts';
import { tableOptions } from '../output/show-list.ts';
import { counted } from '../output/signature-text.ts';
import { type Column, renderTable } from '../output/table.ts';
import { timeText } from '../output/time-text.ts';
import { sizeText } from '../units/size.ts';
import { endpointShow } from './endpoint-show.ts';

/** Most endpoints that a status lists: those that need attention first. */
const mostEndpoints = 20;

/** How the installation is, with its processes and the endpoints that need attention; with a name, how that endpoint is. */
export async function status(invocation: Invocation, endpoint: string | undefined): Promise<void> {
  if (endpoint !== undefined) return await endpointShow(invocation, endpoint);
  const { terminal, flags, surroundings } = invocation;
  const client = await invocation.client();
  const [installation, endpoints] = await Promise.all([
    client.call('status'),
    allPages((query) => client.call('endpointList', { query })),
  ]);
  if (flags.json === true) return terminal.print(JSON.stringify({ server: client.url, ...installation, endpoints }));
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  const { counts } = installation;
  showFacts(terminal, [
    [
      'server',
      `${client.url}  Muster ${installation.version}, environment ${installation.environment}, started ${when(installation.startedAt)}`,
    ],
    [
      'storage',
      `${installation.database.kind} ${fine(installation.database.ok)}, objects ${fine(installation.objects.ok)}`,
    ],
    ['isolation', isolationText(installation)],
    ['serves', `${counts.ready} of ${counted(counts.endpoints, 'endpoint')} ready, ${counted(counts.models, 'model')}`],
  ]);
  const processes =
    flags.output === 'wide'
      ? installation.processes
      : installation.processes.filter(({ state, role }) => state !== 'running' || role !== 'runner');
  if (processes.length > 0)
    terminal.print(`\n${renderTable(processes, processColumns(when), tableOptions(invocation))}`);
  // What Muster does not serve is as ready as it can be.
  const isFine = ({ ready, kind }: Endpoint): number => Number(ready || kind === 'observed');
  const shown = endpoints.toSorted((a, b) => isFine(a) - isFine(b)).slice(0, mostEndpoints);
  if (shown.length > 0)
    terminal.print(`\n${renderTable(shown, endpointColumns(invocation), tableOptions(invocation))}`);
  if (shown.length < endpoints.length)
    terminal.note(`and ${endpoints.length - shown.length} more: muster endpoint list`);
  if (endpoints.length === 0)
    terminal.note('\nNo endpoints yet. Make the first:  muster deploy model.onnx --name fraud');
}

function isolationText({ isolation }: InstallationStatus): string {
  return isolation.advice === '' ? isolation.level : `${isolation.level}: ${isolation.advice}`;
}

function processColumns(when: (time: string | null) => string): Column<ProcessStatus>[] {
  return [
    { title: 'PROCESS', value: ({ role, id }) => (role === id ? role : `${role} ${id}`), shrinks: true },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'PID', value: ({ pid }) => (pid === null ? '-' : String(pid)), align: 'right' },
    {
      title: 'MEMORY',
      value: ({ memoryBytes }) => (memoryBytes === null ? '-' : sizeText(memoryBytes)),
      align: 'right',
    },
    { title: 'RESTARTS', value: ({ restarts }) => String(restarts), align: 'right' },
    { title: 'STARTED', value: ({ startedAt }) => when(startedAt) },
    { title: 'ISOLATION', value: ({ isolation }) => isolation ?? '-', wide: true },
    { title: 'DETAIL', value: ({ detail }) => detail ?? '', shrinks: true },
  ];
}

function fine(isFine: boolean): string {
  return isFine ? 'ok' : 'does not answer';
}
