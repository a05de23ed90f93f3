import { MusterError, type Observed } from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { type Observation, mostFutureMs, renderObserved } from './observed.ts';
import type { ObservingParts } from './parts.ts';
import { endpointServed, findObserved } from './read-observed.ts';

/**
 * Takes what somebody measured. The newest by its end is kept; an older one changes nothing, so that what arrives late, or
 * twice, does no harm.
 *
 * Throws `endpoint_not_found`, `not_allowed`, `endpoint_served`, and `invalid_request` for what ends in the future.
 */
export async function pushObservation(
  { database, store, identity, ledger, clock }: ObservingParts,
  caller: Caller,
  name: string,
  observation: Observation,
): Promise<Observed> {
  const { id } = await findObserved({ database, store, identity }, caller, 'endpoint.report', name);
  if (Date.parse(observation.until) > clock.now() + mostFutureMs)
    throw new MusterError('invalid_request', `it ends in the future, at ${observation.until}`, {
      place: 'body.until',
      remedy: 'Send what was measured, and check the clock of the sender.',
    });
  return await database.inTransaction(async (tx) => {
    const record = await store.find(tx, id);
    if (record === undefined) throw endpointServed(name);
    if (record.observation !== null && Date.parse(record.observation.until) >= Date.parse(observation.until))
      return renderObserved(record);
    await store.observe(tx, id, observation);
    const { from, until, requests, errors } = observation;
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'endpoint.report',
      subject: { kind: 'endpoint', id: name },
      team: record.team,
      outcome: 'allowed',
      request: caller.requestId,
      ctx: { endpoint: id, from, until, requests, errors },
    });
    return renderObserved({ ...record, observation });
  });
}
