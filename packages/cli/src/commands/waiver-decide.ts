import type { Client } from '@muster-ml/client';
import { MusterError, type Waiver } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { UsageError } from '../usage-error.ts';
import type { DecideFlags } from './approve.ts';

/** What may be done with a waiver that is there. */
export type WaiverDecision = keyof typeof decisions;

const decisions = {
  approve: { route: 'waiverApprove', from: ['requested'], said: 'approved' },
  reject: { route: 'waiverReject', from: ['requested'], said: 'rejected' },
  revoke: { route: 'waiverRevoke', from: ['requested', 'approved'], said: 'revoked' },
} as const;

/** Approves, rejects or ends a waiver, by its id or, where only one can be meant, by its check. */
export async function waiverDecide(
  invocation: Invocation,
  decision: WaiverDecision,
  endpoint: string,
  given: string,
  { reason }: DecideFlags,
): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const decided = await withNearest(client, 'endpoint', endpoint, async () => {
    const waiver = await idOf(client, endpoint, given, decisions[decision].from);
    return await client.call(decisions[decision].route, { params: { endpoint, waiver }, body: { reason } });
  });
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(decided));
  const until = decision === 'approve' ? ` until ${decided.until.slice(0, 10)}` : '';
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ${decisions[decision].said} the waiver of ${decided.check} of ${endpoint}${until}`,
  );
}

async function idOf(
  client: Client,
  endpoint: string,
  given: string,
  from: readonly Waiver['state'][],
): Promise<string> {
  if (!/^r\d{2}$/i.test(given)) return given;
  const check = given.toUpperCase();
  const all = await allPages((query) => client.call('waiverList', { params: { endpoint }, query }));
  const meant = all.filter((waiver) => waiver.check === check && from.includes(waiver.state));
  const [first, second] = meant;
  if (second !== undefined)
    throw new UsageError(
      `${endpoint} has ${meant.length} waivers of ${check}: ${meant.map(({ id }) => id).join(', ')}`,
      'Write the id of one of them.',
      given,
    );
  if (first === undefined)
    throw new MusterError('waiver_not_found', `${endpoint} has no waiver of ${check} that is ${from.join(' or ')}`, {
      remedy: `muster waiver list ${endpoint} shows those of the endpoint.`,
    });
  return first.id;
}
