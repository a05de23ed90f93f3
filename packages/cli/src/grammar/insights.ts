import type { Command } from 'commander';
import type { InsightsTimeFlags } from '../commands/insights-time.ts';
import { type Does, withExamples } from './does.ts';

/** `muster insights …` */
export function addInsightCommands(program: Command, does: Does): void {
  const insights = program
    .command('insights')
    .summary('how things go')
    .description('How things go, over many endpoints.');

  const time = insights
    .command('time')
    .summary('time to production, and where it is lost')
    .description(
      'Show how long endpoints took from the first sign of work until they were in production: stage by stage, for newcomers, per team, and what waits now and for whom. The times are those of the endpoints that came into production; of a half of them it took the median or less, of nine in ten the p90 or less.',
    )
    .option('--team <TEAM>', 'endpoints of this team only')
    .option('--from <TIME>', 'endpoints that came into production then or later: 90d, 2026-11-01')
    .option('--until <TIME>', 'endpoints that came into production before then');
  does<[], InsightsTimeFlags>(
    time,
    async (invocation, _operands, flags) =>
      await (await import('../commands/insights-time.ts')).insightsTime(invocation, flags),
  );
  withExamples(
    time,
    'muster insights time',
    'muster insights time --team risk --from 90d',
    'muster insights time --json',
  );
}
