import type { Endpoint, Observed } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { observationText, probeText } from '../output/observed-text.ts';
import { showFacts } from '../output/show-facts.ts';
import { timeText } from '../output/time-text.ts';
import { durationText } from '../units/duration.ts';

/** Shows an endpoint that something else serves: where, what, and how it is. */
export async function observedShow(invocation: Invocation, name: string): Promise<void> {
  const { terminal, flags, surroundings } = invocation;
  const client = await invocation.client();
  const params = { endpoint: name };
  const observed = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('observedGet', { params }),
  );
  const endpoint = await client.call('endpointGet', { params });
  if (flags.json === true) return terminal.print(JSON.stringify({ ...endpoint, observed }));
  if (flags.output === 'name') return terminal.print(observed.name);
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showFacts(terminal, facts(observed, endpoint, when));
  const muster = commandName(invocation);
  terminal.note('');
  nextCommands(terminal, [
    ['Change it', `${muster} observed set ${name} --probe https://HOST/READY`],
    ['Its owner', `${muster} endpoint update ${name} --owner NAME`],
    ['Report', `${muster} observed report ${name} --requests N --errors N --from 1h --until 0s`],
  ]);
}

function facts(
  observed: Observed,
  endpoint: Endpoint,
  when: (time: string | null) => string,
): readonly (readonly [string, string | undefined])[] {
  const { probe, observation } = observed;
  return [
    ['endpoint', observed.name],
    ['served by', observed.platform],
    ['location', observed.location],
    ['model', observed.model ?? undefined],
    ['version', observed.version ?? undefined],
    ['team', observed.team],
    ['owner', endpoint.owner.name ?? endpoint.owner.id],
    ['use case', endpoint.useCase ?? 'none: nobody said why it exists'],
    ['runbook', endpoint.runbook ?? undefined],
    ['description', endpoint.description],
    [
      'tags',
      Object.entries(endpoint.tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
    ],
    ['probe', probe?.url],
    ['state', probe === null ? 'unknown: it has no probe' : stateText(probe, when)],
    ['reported', observation === null ? undefined : reportText(observation, when)],
    ['from', observed.source],
  ];
}

function stateText(probe: NonNullable<Observed['probe']>, when: (time: string | null) => string): string {
  const { ok, at, ms, problem } = probe;
  if (ok === null) return probeText(probe);
  const took = ms === null ? '' : ` in ${durationText(ms)}`;
  return ok ? `${probeText(probe)}${took}, ${when(at)}` : `${probeText(probe)}, ${when(at)}: ${problem ?? ''}`;
}

function reportText(observation: NonNullable<Observed['observation']>, when: (time: string) => string): string {
  const { from, until, p50Ms, p95Ms, p99Ms } = observation;
  const percentiles = [
    ['p50', p50Ms],
    ['p95', p95Ms],
    ['p99', p99Ms],
  ] as const;
  const latency = percentiles.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${durationText(ms)}`]));
  return [`${observationText(observation)}, ${when(from)} to ${when(until)}`, ...latency].join(', ');
}
