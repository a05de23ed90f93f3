import type { Client } from '@muster-ml/client';
import type { Readiness, Submission } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { safeText } from '../output/text-width.ts';
import { timeText } from '../output/time-text.ts';
import { type Shown, askedText, checksWithin, showChecks } from './show-verdict.ts';

/** `1 of 2` approvals. */
export function approvalsText({ approvals, approvalsNeeded }: Submission): string {
  return `${approvals.length} of ${approvalsNeeded}`;
}

/** What was submitted, who approved it so far, and what the checks find now. */
export function showSubmission(
  invocation: Invocation,
  shown: Shown,
  submission: Submission,
  readiness: Readiness | undefined,
): void {
  const { terminal, surroundings } = invocation;
  const when = (time: string): string => timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  const { endpoint, model, version, level, riskTier, state, why, note, submitted, approvals } = submission;
  const print = (text: string): void => shown.print(safeText(text));
  print(`${endpoint}: ${model}:${version} for ${level} (${riskTier ?? 'unknown'} risk), ${state}`);
  if (why !== null) print(`  ${why}`);
  print(`  submitted by ${submitted.by.name ?? submitted.by.id}, ${when(submitted.at)}`);
  if (note !== '') print(`  ${note}`);
  print(`  ${approvalsText(submission)} approvals`);
  for (const { by, at, reason } of approvals) print(`  approved by ${by.name ?? by.id}, ${when(at)}: ${reason}`);
  if (readiness === undefined) return;
  shown.print('');
  showChecks(invocation, shown, checksWithin(readiness.verdict, level));
  shown.print(`\n${askedText(readiness.verdict)}`);
}

/** What the checks find now of what was submitted; undefined where it is not deployed any more. */
export async function readinessOf(client: Client, { endpoint, version }: Submission): Promise<Readiness | undefined> {
  return await client.call('endpointReadiness', { params: { endpoint }, query: { version } }).catch(() => undefined);
}
