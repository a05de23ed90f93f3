import type { ServingSettings } from '@muster-ml/protocol';
import type { Tx } from '../platform/database/index.ts';
import type { ServedVersion } from '../registry/index.ts';
import { servedDigestOf } from '../standing/index.ts';
import type { DeploymentParts } from './change-endpoint.ts';
import type { EndpointRecord } from './endpoint.ts';

/** Throws `standing_required` where a version, served like this, may not be what answers: see `Standings.refuseLive`. */
export async function refuseUnapproved(
  { standings }: Pick<DeploymentParts, 'standings'>,
  tx: Tx,
  { id, name }: EndpointRecord,
  served: ServedVersion,
  settings: ServingSettings,
): Promise<void> {
  const { model, number: version, digest } = served;
  const servedDigest = servedDigestOf({ model, version, digest, settings });
  await standings.refuseLive(tx, { endpoint: { id, name }, model, version, servedDigest });
}
