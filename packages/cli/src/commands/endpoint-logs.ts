import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointEvent } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { safeText } from '../output/text-width.ts';
import { timeText } from '../output/time-text.ts';
import { readCount } from '../units/count.ts';

export interface EndpointLogsFlags {
  readonly limit?: string;
  readonly follow?: boolean;
}

const pollMs = 1000;

/** Prints what happened to an endpoint, oldest first; with `--follow` also what happens from now on. */
export async function endpointLogs(invocation: Invocation, name: string, flags: EndpointLogsFlags): Promise<void> {
  const { surroundings, terminal } = invocation;
  const limit = readCount('--limit', flags.limit ?? '100', 1);
  const client = await invocation.client();
  const read = async (most: number): Promise<EndpointEvent[]> =>
    await allPages((query) => client.call('endpointEvents', { params: { endpoint: name }, query }), most);
  const first = (await withNearest(client, 'endpoint', name, async () => await read(limit))).toReversed();
  if (first.length === 0 && flags.follow !== true) terminal.note(`Nothing has happened to ${name} yet.`);
  for (const event of first) print(invocation, event);
  if (flags.follow !== true) return;
  // Newest first and no ids: what was seen is told apart by its content, which is fine for a list that only grows.
  let seen = new Set(first.map(keyOf));
  while (!surroundings.interruption.aborted) {
    await sleep(pollMs, undefined, { signal: surroundings.interruption });
    const page = (await read(200)).toReversed();
    for (const event of page) if (!seen.has(keyOf(event))) print(invocation, event);
    seen = new Set([...page.map(keyOf), ...first.map(keyOf)]);
  }
}

function keyOf(event: EndpointEvent): string {
  return JSON.stringify([event.at, event.what, event.deployment, event.message]);
}

function print({ terminal, flags, surroundings }: Invocation, event: EndpointEvent): void {
  if (flags.json === true) return terminal.print(JSON.stringify(event));
  const when = timeText(event.at, { relative: terminal.isRead, nowMs: surroundings.now() });
  const paint =
    event.level === 'error' ? terminal.paint.red : event.level === 'warn' ? terminal.paint.yellow : terminal.paint.dim;
  terminal.print(
    `${terminal.paint.dim(when.padEnd(terminal.isRead ? 10 : 24))}  ${paint(event.level.padEnd(5))}  ${safeText(event.message)}`,
  );
}
