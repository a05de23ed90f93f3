import { codes } from './kind.ts';

/** Codes of endpoints and deployments. */
export const deploymentCodes = codes({
  endpoint_exists: { kind: 'conflict', title: 'The name is taken', remedy: 'Choose another name.' },
  deployment_not_found: {
    kind: 'not_found',
    title: 'There is no such deployment',
    remedy: 'muster endpoint show lists those of the endpoint.',
  },
  signature_breaks_callers: {
    kind: 'conflict',
    title: 'The version would break the callers of this endpoint',
    remedy:
      'Keep the inputs and outputs that callers use, deploy under a new name, or force it by naming the endpoint.',
  },
  nothing_to_promote: {
    kind: 'failed_precondition',
    title: 'There is no canary or shadow to promote',
    remedy: 'Deploy one first with --canary or --shadow.',
  },
  nothing_to_roll_back: {
    kind: 'failed_precondition',
    title: 'There is no earlier version to go back to',
    remedy: 'Deploy the version that you want.',
  },
  deployment_failed: {
    kind: 'failed_precondition',
    title: 'The version did not become ready',
    remedy: 'See the detail; the version that was live still is.',
  },
  version_quarantined: {
    kind: 'failed_precondition',
    title: 'The version is quarantined because it kept crashing',
    remedy: 'Deploy another version, or deploy it again by force.',
  },
  superseded: {
    kind: 'conflict',
    title: 'A later change replaced this one',
    remedy: 'Nothing to do; the later one counts.',
  },
  nothing_live: {
    kind: 'failed_precondition',
    title: 'There is no live version beside which it could run',
    remedy: 'Deploy a version as live first.',
  },
  deployment_is_live: {
    kind: 'failed_precondition',
    title: 'The live deployment answers the callers',
    remedy: 'Deploy another version, roll back, or delete the endpoint.',
  },
});
