import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { observationText } from '../output/observed-text.ts';
import { readCount } from '../units/count.ts';
import { readTime } from '../units/time.ts';
import { UsageError } from '../usage-error.ts';

export interface ObservedReportFlags {
  readonly requests: string;
  readonly errors: string;
  readonly from: string;
  readonly until: string;
  readonly p50?: string;
  readonly p95?: string;
  readonly p99?: string;
}

/** Tells how an endpoint elsewhere was used, and how it answered. */
export async function observedReport(invocation: Invocation, name: string, flags: ObservedReportFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const nowMs = surroundings.now();
  const { p50, p95, p99 } = flags;
  const body = {
    requests: readCount('--requests', flags.requests, 0),
    errors: readCount('--errors', flags.errors, 0),
    from: readTime('--from', flags.from, nowMs),
    until: readTime('--until', flags.until, nowMs),
    ...(p50 === undefined ? {} : { p50Ms: readMs('--p50', p50) }),
    ...(p95 === undefined ? {} : { p95Ms: readMs('--p95', p95) }),
    ...(p99 === undefined ? {} : { p99Ms: readMs('--p99', p99) }),
  };
  if (body.errors > body.requests)
    throw new UsageError('there are more errors than requests', 'Give --errors as a part of --requests.', '--errors');
  if (Date.parse(body.from) >= Date.parse(body.until))
    throw new UsageError('it ends before it begins', 'Write `--from 1h --until 0s` for the last hour.', '--until');
  const client = await invocation.client();
  const observed = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('observationPush', { params: { endpoint: name }, body }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(observed));
  const { observation } = observed;
  const isKept = observation !== null && Date.parse(observation.until) === Date.parse(body.until);
  terminal.note(
    isKept
      ? `${terminal.paintNotes.green(terminal.symbols.done)} ${name}: ${observationText(observation)}`
      : `A newer report of ${name} is there already: ${observationText(observation)} until ${observation?.until ?? ''}. Nothing was changed.`,
  );
}

function readMs(flag: string, text: string): number {
  const digits = /^(\d+(?:\.\d+)?)(?:\s*ms)?$/.exec(text)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new UsageError(`\`${text}\` is no number of milliseconds`, `Write \`${flag} 12.5\`.`, flag);
}
