import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@muster-ml/client';
import type { Notification } from '@muster-ml/protocol';
import { exitCodes } from '../exit-code.ts';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { safeText } from '../output/text-width.ts';

const pollMs = 250;
/** Longer than an attempt may take. */
const waitMs = 15_000;

/**
 * Sends a test through every channel, and says how the first attempt of each ended. The exit code is 0 where all have it,
 * and 1 otherwise, also where there is none.
 */
export async function notificationTest(invocation: Invocation): Promise<number> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  let told = await client.call('notificationTest');
  const step = beginStep(terminal, 'waiting for the channels');
  try {
    const until = performance.now() + waitMs;
    while (told.deliveries.some(isOpen) && performance.now() < until) {
      await sleep(pollMs, undefined, { signal: surroundings.interruption });
      told = await read(client, told);
    }
  } catch (error) {
    if (surroundings.interruption.aborted) throw new Interrupted('It goes on in the server: muster notification list');
    throw error;
  } finally {
    step.drop();
  }
  show(invocation, told);
  const areTold = told.deliveries.length > 0 && told.deliveries.every(({ state }) => state === 'delivered');
  return areTold ? exitCodes.ok : exitCodes.failure;
}

function show({ terminal, flags }: Invocation, told: Notification): void {
  if (flags.json === true) return terminal.print(JSON.stringify(told));
  if (told.deliveries.length === 0)
    return terminal.note(
      'No channel is configured: notifications.webhooks, notifications.slack and notifications.mail name them.',
    );
  const width = Math.max(...told.deliveries.map(({ channel }) => channel.length)) + 2;
  for (const { channel, state, problem } of told.deliveries) {
    const { paint, symbols } = terminal;
    const mark = state === 'delivered' ? paint.green(symbols.done) : paint.red(symbols.failed);
    terminal.print(
      `${mark} ${channel.padEnd(width)}${safeText(problem ?? (state === 'delivered' ? state : 'not yet'))}`,
    );
  }
}

/** Nothing was heard of it yet. */
function isOpen({ state, problem }: Notification['deliveries'][number]): boolean {
  return state === 'waiting' && problem === null;
}

async function read(client: Client, told: Notification): Promise<Notification> {
  const { items } = await client.call('notificationList', { query: { event: 'test', limit: 100 } });
  return items.find(({ id }) => id === told.id) ?? told;
}
