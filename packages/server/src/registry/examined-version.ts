import type { Lineage, ModelFacts, Runtime, Signature, createVersionSchema } from '@muster-ml/protocol';
import type { z } from 'zod';

/** What an owner wishes for a new version. */
export type NewVersion = z.output<typeof createVersionSchema>;

/** The same, with the sample in the form that travels: as an object of its own. */
export type VersionWish = Omit<NewVersion, 'sample' | 'lineage'> & {
  readonly sampleDigest: string | null;
  readonly lineage?: Lineage | undefined;
};

/** What was found out about a version before it is registered. */
export interface ExaminedVersion {
  readonly runtime: Runtime;
  readonly signature: Signature;
  readonly facts: ModelFacts;
  /** The rows in the form of the signature, with the answers that they have to get, as they travel; null without rows. */
  readonly sample: Uint8Array | null;
}
