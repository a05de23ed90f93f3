import type { Readiness } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { safeText } from '../output/text-width.ts';
import { timeText } from '../output/time-text.ts';
import type { Shown } from './show-verdict.ts';

/** Where an endpoint stands, with the reasons. */
export function showStanding(invocation: Invocation, shown: Shown, readiness: Readiness): void {
  const { terminal, surroundings } = invocation;
  const { endpoint, model, version, riskTier, standing } = readiness;
  const when = (time: string | null): string =>
    time === null ? '' : ` since ${timeText(time, { relative: false, nowMs: surroundings.now() })}`;
  const what = [
    ...(model === null ? [] : [version === null ? model : `${model}:${version}`]),
    riskTier === null ? 'risk not known yet' : `${riskTier} risk`,
  ];
  const state = standing.state === 'none' ? 'not submitted' : `${standing.state}${when(standing.since)}`;
  shown.print(safeText(`${endpoint ?? '-'} (${what.join(', ')}): ${state}`));
  for (const reason of standing.reasons) shown.print(`  ${terminal.symbols.dot} ${safeText(reason)}`);
}
