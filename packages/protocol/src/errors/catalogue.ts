import { auditCodes } from './codes-audit.ts';
import { backupCodes } from './codes-backups.ts';
import { deploymentCodes } from './codes-deployments.ts';
import { identityCodes } from './codes-identity.ts';
import { inferenceCodes } from './codes-inference.ts';
import { mlflowCodes } from './codes-mlflow.ts';
import { platformCodes } from './codes-platform.ts';
import { readinessCodes } from './codes-readiness.ts';
import { registryCodes } from './codes-registry.ts';
import { runnerCodes } from './codes-runners.ts';
import { scoringCodes } from './codes-scoring.ts';
import { secretCodes } from './codes-secrets.ts';

/** Every error that Muster can answer with, by its code. `docs/reference/errors.md` is tested against it. */
export const catalogue = {
  ...platformCodes,
  ...identityCodes,
  ...inferenceCodes,
  ...registryCodes,
  ...deploymentCodes,
  ...runnerCodes,
  ...scoringCodes,
  ...secretCodes,
  ...mlflowCodes,
  ...backupCodes,
  ...auditCodes,
  ...readinessCodes,
};

/** A code of the catalogue: stable, in snake case, safe to match on. */
export type ErrorCode = keyof typeof catalogue;
