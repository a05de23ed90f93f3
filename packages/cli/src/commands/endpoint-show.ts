import type { Client } from '@muster-ml/client';
import type { Deployment, Endpoint, Follow } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { orMissing } from '../handover/or-missing.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { conditionText } from '../output/endpoint-text.ts';
import { nextCommands } from '../output/next-commands.ts';
import { showFacts } from '../output/show-facts.ts';
import { tableOptions } from '../output/show-list.ts';
import { tensorText } from '../output/signature-text.ts';
import { type Column, renderTable } from '../output/table.ts';
import { safeText } from '../output/text-width.ts';
import { timeText } from '../output/time-text.ts';
import { durationText } from '../units/duration.ts';
import { objectiveText } from '../units/objective.ts';
import { sizeText } from '../units/size.ts';

/** Most features or outputs that are listed by name; `--json` has all. */
const mostNames = 12;

/** Shows one endpoint: how it is and where it stands, whose it is, what it takes and gives, and its deployments. */
export async function endpointShow(invocation: Invocation, name: string): Promise<void> {
  const { terminal, flags, surroundings } = invocation;
  const client = await invocation.client();
  const endpoint = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('endpointGet', { params: { endpoint: name } }),
  );
  const since = await standingSince(client, endpoint);
  const follow = await orMissing(client.call('followGet', { params: { endpoint: name } }));
  if (flags.json === true)
    return terminal.print(JSON.stringify({ ...endpoint, standingSince: since, follows: follow ?? null }));
  if (flags.output === 'name') return terminal.print(endpoint.name);
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  const isServed = endpoint.kind === 'served';
  showFacts(terminal, [
    ['endpoint', endpoint.name],
    ['state', isServed ? conditionText(endpoint) : 'observed: something else serves it'],
    // The state says the rest.
    ['standing', isServed || since !== null ? standingText(endpoint, since, when) : undefined],
    ['url', isServed ? `${client.url}/predict/${endpoint.name}` : undefined],
    ['infer', isServed ? `${client.url}/v2/models/${endpoint.name}/infer` : undefined],
    ['team', endpoint.team],
    ['owner', endpoint.owner.name ?? endpoint.owner.id],
    ['use case', endpoint.useCase ?? 'none: nobody said why it exists'],
    ['objective', endpoint.objective === null ? undefined : objectiveText(endpoint.objective)],
    ['runbook', endpoint.runbook ?? undefined],
    ['description', endpoint.description],
    [
      'tags',
      Object.entries(endpoint.tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
    ],
    ['features', listed(endpoint.signature?.features)],
    ['inputs', endpoint.signature?.inputs.slice(0, mostNames).map(tensorText).join('\n')],
    ['outputs', endpoint.signature?.outputs.slice(0, mostNames).map(tensorText).join('\n')],
    ['labels', listed(endpoint.signature?.labels)],
    [
      'limits',
      `timeout ${durationText(endpoint.limits.timeoutMs)}, body ${sizeText(endpoint.limits.bodyBytes)}, queue ${endpoint.limits.queue}`,
    ],
    ['follows', follow === undefined ? undefined : followText(follow)],
    ['created', when(endpoint.createdAt)],
    ['by', flags.output === 'wide' ? endpoint.createdBy : undefined],
  ]);
  if (endpoint.deployments.length > 0) {
    terminal.print('');
    terminal.print(renderTable(endpoint.deployments, deploymentColumns(when), tableOptions(invocation)));
  }
  for (const deployment of endpoint.deployments) showProblem(invocation, deployment);
  terminal.note('');
  nextCommands(terminal, next(endpoint, commandName(invocation)));
}

/** Since when it is in production or lapsed, which only the fleet says; null for all others. */
async function standingSince(client: Client, { name, standing }: Endpoint): Promise<string | null> {
  if (standing !== 'in production' && standing !== 'lapsed') return null;
  // Of the names that begin like it, it is the first.
  const { items } = await client.call('fleetList', { query: { search: name, limit: 1 } });
  return items.find((endpoint) => endpoint.name === name)?.standingSince ?? null;
}

function standingText({ standing }: Endpoint, since: string | null, when: (time: string | null) => string): string {
  return since === null ? standing : `${standing} since ${when(since)}`;
}

function deploymentColumns(when: (time: string | null) => string): Column<Deployment>[] {
  return [
    { title: 'ROLE', value: ({ role }) => role },
    { title: 'VERSION', value: ({ model, version }) => `${model}:${version}`, shrinks: true },
    { title: 'SHARE', value: ({ sharePercent }) => `${sharePercent} %`, align: 'right' },
    { title: 'STATE', value: ({ state }) => state },
    {
      title: 'REPLICAS',
      value: ({ replicas }) => `${replicas.filter(({ state }) => state === 'ready').length}/${replicas.length}`,
      align: 'right',
    },
    { title: 'READY', value: ({ readyAt }) => when(readyAt) },
    { title: 'BY', value: ({ createdBy }) => createdBy, wide: true, shrinks: true },
    {
      title: 'RUNNERS',
      value: ({ replicas }) => [...new Set(replicas.map(({ runner }) => runner))].join(', ') || '-',
      wide: true,
      shrinks: true,
    },
    { title: 'ID', value: ({ id }) => id, wide: true },
  ];
}

function showProblem({ terminal }: Invocation, { role, model, version, problem }: Deployment): void {
  if (problem === undefined) return;
  terminal.print('');
  terminal.print(
    `${terminal.paint.red(terminal.symbols.failed)} ${role} ${safeText(model)}:${version}: ${safeText(problem.title)}`,
  );
  terminal.print(`  ${safeText(problem.detail)}`);
  terminal.print(`  ${terminal.symbols.arrow} ${safeText(problem.remedy)}`);
}

function listed(names: readonly string[] | undefined): string | undefined {
  if (names === undefined) return undefined;
  const more = names.length - mostNames;
  return `${names.slice(0, mostNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function next(endpoint: Endpoint, muster: string): (readonly [string, string])[] {
  if (endpoint.kind === 'observed') return [['How it is', `${muster} observed show ${endpoint.name}`]];
  const candidate = endpoint.deployments.find(
    ({ role, state }) => role !== 'live' && (state === 'ready' || state === 'starting'),
  );
  return [
    ['Try it', `${muster} predict ${endpoint.name}`],
    ['History', `${muster} endpoint logs ${endpoint.name}`],
    ...(candidate === undefined ? [] : [['Make live', `${muster} promote ${endpoint.name}`] as const]),
    ...(endpoint.previous === null ? [] : [['Undo', `${muster} rollback ${endpoint.name}`] as const]),
  ];
}

function followText({ server, sourceModel, alias, version, problem }: Follow): string {
  const what = `${sourceModel}@${alias} of ${server}${version === null ? '' : `, now version ${version}`}`;
  return problem === null ? what : `${what}\n${safeText(problem.detail)}`;
}
