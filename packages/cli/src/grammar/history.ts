import { type Command, Option } from 'commander';
import type { FleetFlags } from '../commands/fleet.ts';
import type { HistoryFlags } from '../commands/history.ts';
import { type Does, withExamples } from './does.ts';

/** `muster fleet` and `muster history`: everything that is live, and what was. */
export function addHistoryVerbs(program: Command, does: Does): void {
  program.commandsGroup('What is live, and what was:');

  const fleet = program
    .command('fleet')
    .summary('every endpoint on one page')
    .description(
      'List every endpoint that you may see: its team, owner and use case, where it stands, what is live, how it was used in the last 24 hours, and who changed it last.',
    )
    .option('--team <TEAM>', 'endpoints of this team only')
    .option('--search <START>', 'endpoints whose name begins like this')
    .addOption(
      new Option('--standing <STANDING>', 'endpoints of this standing only').choices([
        'in production',
        'lapsed',
        'deployed',
        'stopped',
        'observed',
      ]),
    )
    .option('--orphans', 'only endpoints without a use case that is accepted')
    .addOption(
      new Option('--sort <ORDER>', 'names forwards; counts and times the highest first').choices([
        'name',
        'team',
        'requests',
        'errors',
        'callers',
        'changed',
      ]),
    );
  does<[], FleetFlags>(
    fleet,
    async (invocation, _operands, flags) => await (await import('../commands/fleet.ts')).fleet(invocation, flags),
  );
  withExamples(
    fleet,
    'muster fleet',
    'muster fleet --team risk --sort errors',
    'muster fleet --standing lapsed',
    'muster fleet --orphans',
    'muster fleet --json',
  );

  const history = program
    .command('history')
    .summary('what was live when, at which share, by whose decision')
    .description(
      'Show what had traffic: at one moment, or over a time with the newest first; each with who decided it and the entry of the ledger that proves it. The name is that of an endpoint, also of one that is deleted, else of a model; churn:3 is a version.',
    )
    .argument('[endpoint-or-model]', 'such as fraud, or churn:3')
    .option('--at <TIME>', 'what was live then: 2h, 2026-11-01, 2026-11-01T12:00Z')
    .option('--since <TIME>', 'what was live then or later')
    .option('--until <TIME>', 'what was live before then')
    .option('--model', 'the name is that of a model, although an endpoint has it too')
    .option('--limit <N>', 'how many at most (default: 50; with --at, all)');
  does<[string | undefined], HistoryFlags>(
    history,
    async (invocation, [name], flags) =>
      await (await import('../commands/history.ts')).history(invocation, name, flags),
  );
  withExamples(
    history,
    'muster history fraud',
    'muster history --at 2026-11-01T12:00Z fraud',
    'muster history --at 2h',
    'muster history churn:3 --since 2026-11-01',
  );
}
