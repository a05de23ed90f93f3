import type { RouteName } from '@muster-ml/protocol';
import type { Samples } from './sample.ts';
import { governanceSamples } from './samples-governance.ts';
import { identitySamples } from './samples-identity.ts';
import { readinessSamples } from './samples-readiness.ts';
import { registrySamples } from './samples-registry.ts';
import { servingSamples } from './samples-serving.ts';

/** Every route there is: a new one without a sample is an error of types, and fails the walk. */
export const routeSamples: Samples<RouteName> = {
  ...identitySamples,
  ...registrySamples,
  ...servingSamples,
  ...governanceSamples,
  ...readinessSamples,
};
