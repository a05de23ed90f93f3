import { type Level, levels } from '../management/readiness.ts';
import type { Check, Outcome } from './check.ts';
import { checks as rubric } from './checks/index.ts';
import { judgeAttested } from './dated-evidence.ts';
import type { Facts, WaiverFacts } from './facts.ts';
import { requiredLevel } from './rubric.ts';

/** A check with what it found, and whether that is enough. */
export interface JudgedCheck {
  readonly check: Check;
  /** Whether the decision asks for it. */
  readonly required: boolean;
  readonly outcome: Outcome;
  /** The waiver that counts instead; null where the outcome holds by itself. */
  readonly waiver: WaiverFacts | null;
  /** Whether it holds or is waived. */
  readonly holds: boolean;
}

export interface JudgedChecks {
  /** The level that the environment asks for at this risk. */
  readonly level: Level;
  /**
   * The highest level of which every check holds or is waived; null below bronze. A level without checks of its own is
   * reached where it is asked for.
   */
  readonly reached: Level | null;
  readonly holds: boolean;
  /** When the first of the required checks that hold now ends to by itself: then it has to be judged anew. */
  readonly until: number | null;
  readonly checks: readonly JudgedCheck[];
}

export interface JudgeOptions {
  /** Ids of checks that are shown but do not count: a submission cannot ask for its own approval (R19). */
  readonly without?: readonly string[];
  /** Judged instead of what the environment asks for. */
  readonly level?: Level;
  /** Instead of the checks of the rubric. */
  readonly rubric?: readonly Check[];
}

/** The verdict: which checks hold, and whether those do that are asked for. Pure; the same facts give the same. */
export function judge(facts: Facts, options: JudgeOptions = {}): JudgedChecks {
  const { without = [], rubric: asked = rubric } = options;
  const level = options.level ?? requiredLevel(facts.environment, facts.useCase?.riskTier ?? null);
  const isAsked = (check: Check, of: Level) => isWithin(check.level, of) && !without.includes(check.id);
  const checks = asked.map((check) => judgeCheck(check, facts, isAsked(check, level)));
  const holdsAt = (of: Level) => checks.every(({ check, holds }) => holds || !isAsked(check, of));
  const isOwn = (of: Level) => of === level || asked.some((check) => check.level === of);
  return {
    level,
    reached: levels.findLast((of) => isOwn(of) && holdsAt(of)) ?? null,
    holds: holdsAt(level),
    until: firstEnd(checks, facts),
    checks,
  };
}

function isWithin(level: Level, of: Level): boolean {
  return levels.indexOf(level) <= levels.indexOf(of);
}

function judgeCheck(check: Check, facts: Facts, isAskedFor: boolean): JudgedCheck {
  const outcome = outcomeOf(check, facts);
  const required = isAskedFor && appliesTo(check, facts);
  if (outcome.state === 'passed' || outcome.state === 'not-applicable')
    return { check, required, outcome, waiver: null, holds: true };
  const waiver = waiverOf(check, facts);
  return { check, required, outcome, waiver, holds: waiver !== null };
}

function appliesTo(check: Check, facts: Facts): boolean {
  return check.appliesTo.includes(facts.endpoint?.kind ?? 'served');
}

function outcomeOf(check: Check, facts: Facts): Outcome {
  const isObserved = facts.endpoint?.kind === 'observed';
  if (!appliesTo(check, facts))
    return {
      state: 'not-applicable',
      summary: isObserved ? 'something else serves this endpoint' : 'it is for endpoints that something else serves',
    };
  let outcome: Outcome;
  try {
    outcome =
      isObserved && check.attestedWhereObserved === true
        ? judgeAttested(facts, check.id, check.fresh.kind === 'days' ? check.fresh.days : attestedDays)
        : check.judge(facts);
  } catch (error) {
    return { state: 'failed', summary: `the check itself failed: ${error instanceof Error ? error.message : 'error'}` };
  }
  // A check that forgets to look at the clock passes nothing that is past.
  const isPast = outcome.state === 'passed' && outcome.until !== undefined && !(facts.now < outcome.until);
  return isPast ? { ...outcome, state: 'stale', remedy: outcome.remedy ?? check.remedy } : outcome;
}

/** How long a person's word counts for a check whose own evidence does not age. */
const attestedDays = 180;

/** The waiver of the check that lasts longest, if any counts now. */
function waiverOf(check: Check, { waivers, now }: Facts): WaiverFacts | null {
  if (!check.waivable) return null;
  let longest: WaiverFacts | null = null;
  for (const waiver of waivers)
    if (waiver.check === check.id && now < waiver.until && (longest === null || waiver.until > longest.until))
      longest = waiver;
  return longest;
}

function firstEnd(checks: readonly JudgedCheck[], facts: Facts): number | null {
  let first = Infinity;
  for (const { check, required, outcome, waiver, holds } of checks) {
    if (!required || !holds) continue;
    if (waiver !== null) first = Math.min(first, waiver.until);
    // What a waiver goes on to cover does not end the verdict when its evidence is too old.
    else if (outcome.state === 'passed' && outcome.until !== undefined)
      first = Math.min(first, Math.max(outcome.until, waiverOf(check, facts)?.until ?? -Infinity));
  }
  return first === Infinity ? null : first;
}
