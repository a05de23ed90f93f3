import type { Level } from '../management/readiness.ts';
import type { RiskTier } from '../management/use-cases.ts';

/** Changes with every change of a check or of what is required: an approval is bound to it. */
export const rubricEdition = '2026.1';

/** What an environment asks for, by risk tier; one that is not known yet counts as limited. */
const required = {
  prod: { minimal: 'silver', limited: 'silver', high: 'gold' },
  other: { minimal: 'bronze', limited: 'bronze', high: 'silver' },
} as const satisfies Record<string, Record<RiskTier, Level>>;

export function requiredLevels(environment: string): Readonly<Record<RiskTier, Level>> {
  return environment === 'prod' ? required.prod : required.other;
}

export function requiredLevel(environment: string, riskTier: RiskTier | null): Level {
  return requiredLevels(environment)[riskTier ?? 'limited'];
}

/** How many people have to approve: two at high risk. None where the level asks for no review (R19). */
export function approvalsNeeded(level: Level, riskTier: RiskTier | null): number {
  if (level === 'bronze') return 0;
  return riskTier === 'high' ? 2 : 1;
}
