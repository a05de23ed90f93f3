import { type Action, MusterError } from '@muster-ml/protocol';
import type { EndpointRecord } from './endpoint.ts';

/** What needs something that Muster serves. */
const servingActions: readonly Action[] = [
  'endpoint.deploy',
  'endpoint.promote',
  'endpoint.rollback',
  'endpoint.score',
  'drill.run',
];

/** Throws `endpoint_observed` where something else serves the endpoint, and the action needs Muster to. */
export function refuseObserved({ name, kind }: EndpointRecord, action: Action): void {
  if (kind === 'observed' && servingActions.includes(action))
    throw new MusterError('endpoint_observed', `Muster does not serve ${name}, it only watches it`);
}
