import { MusterError } from '@muster-ml/protocol';
import type { Tx } from '../platform/database/index.ts';
import type { ServedVersion } from '../registry/index.ts';
import { type EndpointState, servingOf } from './endpoint.ts';
import { type SignatureDifference, breakingDifferences } from './signature-compatibility.ts';
import type { DeploymentStore } from './store.ts';

/** Most differences that an error carries. */
const shownDifferences = 50;

/**
 * Refuses a version that callers of the live one would notice in a bad way: `signature_breaks_callers`, with the
 * differences in its details.
 */
export function refuseBrokenCallers(state: EndpointState, next: ServedVersion): void {
  const live = servingOf(state, 'live');
  if (live === undefined) return;
  const differences = breakingDifferences(live.served.signature, next.signature);
  if (differences.length === 0) return;
  const { name } = state.endpoint;
  throw new MusterError(
    'signature_breaks_callers',
    `${next.model}:${next.number} would break the callers of ${name}: ${differences.slice(0, 3).map(sentence).join('; ')}${differences.length > 3 ? '; …' : ''}`,
    {
      remedy: `Keep the inputs and outputs that callers use, deploy under a new name, or force it with the name of the endpoint: ${name}.`,
      details: {
        endpoint: name,
        live: `${live.served.model}:${live.served.number}`,
        differences: differences
          .slice(0, shownDifferences)
          .map(({ part, name: of, change }) => ({ part, name: of, change })),
      },
    },
  );
}

/** Refuses a version that kept crashing, wherever it was deployed: `version_quarantined`. With force, the quarantine is lifted. */
export async function refuseQuarantined(
  store: DeploymentStore,
  tx: Tx,
  version: ServedVersion,
  isForced: boolean,
): Promise<void> {
  const reason = await store.quarantineReason(tx, version.model, version.number);
  if (reason === undefined) return;
  if (!isForced)
    throw new MusterError('version_quarantined', `${version.model}:${version.number} is quarantined: ${reason}`);
  await store.liftQuarantine(tx, version.model, version.number);
}

/** Whether a request forces it: `force` names the endpoint. Throws `invalid_request` where it names another. */
export function isForcedBy(force: string | undefined, endpoint: string): boolean {
  if (force === undefined) return false;
  if (force === endpoint) return true;
  throw new MusterError('invalid_request', `force names ${force}, but the endpoint is ${endpoint}`, {
    place: 'body.force',
    remedy: `Repeat the name of the endpoint, ${endpoint}, to force it.`,
  });
}

function sentence({ part, name, change }: SignatureDifference): string {
  return `${part}${name === '' ? '' : ` ${name}`}: ${change}`;
}
