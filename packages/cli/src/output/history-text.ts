import type { HistoryDecision, HistoryInterval } from '@muster-ml/protocol';

const order = { live: 0, canary: 1, shadow: 2 } as const;

/** What an endpoint had at one moment, live first. */
export function inOrder(intervals: readonly HistoryInterval[]): HistoryInterval[] {
  return intervals.toSorted(
    (a, b) => a.endpoint.localeCompare(b.endpoint) || order[a.role] - order[b.role] || b.from.localeCompare(a.from),
  );
}

/**
 * What one endpoint did at a moment, in a sentence:
 * `At 2026-11-01T12:00:00.000Z, fraud answered with churn:3 (90 %) and churn:4 (10 %), decided by ana.`
 */
export function momentText(at: string, endpoint: string, intervals: readonly HistoryInterval[]): string {
  const answering = intervals.filter(({ role }) => role !== 'shadow');
  const copied = intervals.filter(({ role }) => role === 'shadow');
  const parts = [
    answering.length === 0 ? 'answered with nothing' : `answered with ${listed(answering)}`,
    ...(copied.length === 0 ? [] : [`copied to ${listed(copied)}`]),
  ];
  const last = lastDecision(intervals);
  return `At ${at}, ${endpoint} ${parts.join(' and ')}${last === undefined ? '' : `, decided by ${deciderText(last)}`}.`;
}

/** The decision that was the last before all of it was so; its entry is the one to prove. */
export function lastDecision(intervals: readonly HistoryInterval[]): HistoryDecision | undefined {
  return intervals
    .toSorted((a, b) => b.from.localeCompare(a.from) || (b.decision.entry ?? -1) - (a.decision.entry ?? -1))
    .at(0)?.decision;
}

/** Who decided something: a name, else the id of somebody who is no more. */
function deciderText({ by }: HistoryDecision): string {
  return by === null ? 'nobody' : (by.name ?? by.id);
}

/** What was done, short: `promote` for `endpoint.promote`. */
export function actionText({ action }: HistoryDecision): string {
  return action === null ? '-' : action.replace(/^(?:endpoint|system\.deployment)\./, '');
}

/** `promote by ana`; only the name where what was done is not known any more. */
export function decisionText(decision: HistoryDecision): string {
  const who = deciderText(decision);
  return decision.action === null ? who : `${actionText(decision)} by ${who}`;
}

/** The decision by which it ended, or the word of what ended it where nobody decided. */
export function endText({ end, why }: HistoryInterval): string {
  return why ?? (end === null ? '-' : decisionText(end));
}

function listed(intervals: readonly HistoryInterval[]): string {
  const texts = intervals.map(({ model, version, sharePercent }) => `${model}:${version} (${sharePercent} %)`);
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}
