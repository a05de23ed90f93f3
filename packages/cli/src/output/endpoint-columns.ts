import type { Endpoint } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { conditionText, versionsText } from './endpoint-text.ts';
import type { Column } from './table.ts';
import { timeText } from './time-text.ts';

/** The columns of a list of endpoints. */
export function endpointColumns({ terminal, surroundings }: Invocation): Column<Endpoint>[] {
  return [
    { title: 'NAME', value: ({ name }) => name },
    {
      title: 'STATE',
      value: conditionText,
      paint: (text, { ready, kind }) =>
        kind === 'observed' ? text : ready ? terminal.paint.green(text) : terminal.paint.yellow(text),
    },
    { title: 'VERSIONS', value: versionsText, shrinks: true },
    { title: 'REPLICAS', value: replicasText, align: 'right' },
    { title: 'TEAM', value: ({ team }) => team, shrinks: true },
    {
      title: 'CREATED',
      value: ({ createdAt }) => timeText(createdAt, { relative: terminal.isRead, nowMs: surroundings.now() }),
    },
    {
      title: 'PREVIOUS',
      value: ({ previous }) => (previous === null ? '-' : `${previous.model}:${previous.version}`),
      wide: true,
      shrinks: true,
    },
    { title: 'DESCRIPTION', value: ({ description }) => description || '-', wide: true, shrinks: true },
  ];
}

/** How many replicas are ready, of how many. */
function replicasText({ deployments }: Endpoint): string {
  const replicas = deployments
    .filter(({ state }) => state !== 'ended' && state !== 'failed')
    .flatMap((deployment) => deployment.replicas);
  return `${replicas.filter(({ state }) => state === 'ready').length}/${replicas.length}`;
}
