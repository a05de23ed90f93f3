import type { Check } from '../check.ts';
import { r01 } from './r01-owner.ts';
import { r02 } from './r02-use-case.ts';
import { r05 } from './r05-artifact-safe.ts';
import { r06 } from './r06-signature-and-sample.ts';
import { r07 } from './r07-sample-reproduced.ts';
import { r19 } from './r19-reviewed.ts';
import { r20 } from './r20-load.ts';
import { r21 } from './r21-failover.ts';
import { r22 } from './r22-rollback.ts';
import { r23 } from './r23-compared.ts';
import { r29 } from './r29-runbook.ts';
import { r31 } from './r31-least-privilege.ts';

/** The checks of the rubric, by id. */
export const checks: readonly Check[] = [r01, r02, r05, r06, r07, r19, r20, r21, r22, r23, r29, r31];
