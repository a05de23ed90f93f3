import type { Verdict } from '../management/readiness.ts';
import type { Outcome } from './check.ts';
import type { Facts } from './facts.ts';
import type { JudgedChecks } from './judge.ts';
import { rubricEdition } from './rubric.ts';

/** What was judged, in the form of the API. */
export function verdictDocument({ environment, now }: Facts, judged: JudgedChecks): Verdict {
  return {
    environment,
    edition: rubricEdition,
    level: judged.level,
    reached: judged.reached,
    holds: judged.holds,
    checks: judged.checks.map(({ check: { id, title, level }, required, outcome, waiver, holds }) => ({
      id,
      title,
      level,
      required,
      outcome: outcomeDocument(outcome),
      waiver: waiver === null ? null : { id: waiver.id, reason: waiver.reason, until: timeOf(waiver.until) },
      holds,
    })),
    until: judged.until === null ? null : timeOf(judged.until),
    at: timeOf(now),
  };
}

function outcomeDocument({
  state,
  summary,
  at,
  until,
  evidence,
  remedy,
}: Outcome): Verdict['checks'][number]['outcome'] {
  return {
    state,
    summary,
    at: at === undefined ? null : timeOf(at),
    until: until === undefined ? null : timeOf(until),
    evidence: evidence ?? null,
    remedy: remedy ?? null,
  };
}

function timeOf(time: number): string {
  return new Date(time).toISOString();
}
