import { type Command, Option } from 'commander';
import type { UseCaseAcceptFlags } from '../commands/usecase-accept.ts';
import type { UseCaseReasonFlags } from '../commands/usecase-decline.ts';
import type { UseCaseFieldFlags } from '../commands/usecase-fields.ts';
import type { UseCaseListFlags } from '../commands/usecase-list.ts';
import type { UseCaseProposeFlags } from '../commands/usecase-propose.ts';
import type { UseCaseReviewFlags } from '../commands/usecase-review.ts';
import { type Does, withExamples } from './does.ts';

/** `muster usecase …` */
export function addUseCaseCommands(program: Command, does: Does): void {
  const usecase = program
    .command('usecase')
    .summary('propose, review and decide why models exist')
    .description('Use cases: why a model should exist, what it is measured by, and who decided so.');
  addReadingCommands(usecase, does);
  addWritingCommands(usecase, does);
  addDecidingCommands(usecase, does);
}

function addReadingCommands(usecase: Command, does: Does): void {
  const list = usecase
    .command('list')
    .description('List the use cases that you may see.')
    .addOption(
      new Option('--state <STATE>', 'only those in this state').choices([
        'proposed',
        'accepted',
        'declined',
        'live',
        'retired',
      ]),
    )
    .option('--team <TEAM>', 'only those of this team');
  does<[], UseCaseListFlags>(
    list,
    async (invocation, _operands, flags) =>
      await (await import('../commands/usecase-list.ts')).usecaseList(invocation, flags),
  );
  withExamples(list, 'muster usecase list', 'muster usecase list --state proposed');

  const show = usecase
    .command('show')
    .description('Show a use case: what it says, what its review speaks for, what was decided and why.')
    .argument('<use-case>');
  does<[string]>(
    show,
    async (invocation, [name]) => await (await import('../commands/usecase-show.ts')).usecaseShow(invocation, name),
  );
  withExamples(show, 'muster usecase show fraud-alerts');
}

function addWritingCommands(usecase: Command, does: Does): void {
  const propose = withFields(
    usecase
      .command('propose')
      .description('Propose a use case. Title and problem are enough; the review asks for the rest.')
      .argument('<name>', 'a name of its own, such as fraud-alerts'),
  ).option('--team <TEAM>', 'the team that it belongs to (default: default)');
  does<[string], UseCaseProposeFlags>(
    propose,
    async (invocation, [name], flags) =>
      await (await import('../commands/usecase-propose.ts')).usecasePropose(invocation, name, flags),
  );
  withExamples(
    propose,
    'muster usecase propose fraud-alerts --title "Stop paying fraud" --problem "We find it months later, by hand"',
    'muster usecase propose churn --title "Keep customers" --problem "They leave unheard" --metric "customers kept" --target-known-by 2027-03-31',
  );

  const set = withFields(
    usecase
      .command('set')
      .description(
        'Change what a use case says. What is not given stays; a review that was about it is void while it is proposed.',
      )
      .argument('<use-case>'),
  );
  does<[string], UseCaseFieldFlags>(
    set,
    async (invocation, [name], flags) =>
      await (await import('../commands/usecase-set.ts')).usecaseSet(invocation, name, flags),
  );
  withExamples(set, 'muster usecase set fraud-alerts --baseline "60 % are found, after 40 days"');

  const review = usecase
    .command('review')
    .description('Answer the six questions of the review: one by one on a terminal, by flags in a script.')
    .argument('<use-case>');
  for (const [question, text] of [
    ['decision', 'is there a decision that the answer changes, and somebody who takes it'],
    ['baseline', 'is it known how well it is done today'],
    ['labels', 'are there examples with the right answer, or will there be'],
    ['volume', 'does it happen often enough to be worth a model'],
    ['tolerance', 'may some of the answers be wrong, and does somebody notice'],
    ['rule', 'was it tried whether a simple rule or a report would do; yes: it does not do'],
  ] as const)
    review.addOption(new Option(`--${question} <ANSWER>`, text).choices(['yes', 'no', 'unknown']));
  review.option(
    '--note <QUESTION=TEXT>',
    'a note on an answer; may be repeated',
    (one: string, others: readonly string[] | undefined) => [...(others ?? []), one],
  );
  does<[string], UseCaseReviewFlags>(
    review,
    async (invocation, [name], flags) =>
      await (await import('../commands/usecase-review.ts')).usecaseReview(invocation, name, flags),
  );
  withExamples(
    review,
    'muster usecase review fraud-alerts',
    'muster usecase review fraud-alerts --decision yes --baseline yes --labels yes --volume yes --tolerance yes --rule no --note "rule=try limits first"',
  );
}

function addDecidingCommands(usecase: Command, does: Does): void {
  const reason = 'why, in a sentence';
  const accept = usecase
    .command('accept')
    .description('Accept a use case that was reviewed. Somebody else than who proposed it does so.')
    .argument('<use-case>')
    .addOption(
      new Option('--risk-tier <TIER>', 'how much harm a wrong answer may do')
        .choices(['minimal', 'limited', 'high'])
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <TEXT>', reason);
  does<[string], UseCaseAcceptFlags>(
    accept,
    async (invocation, [name], flags) =>
      await (await import('../commands/usecase-accept.ts')).usecaseAccept(invocation, name, flags),
  );
  withExamples(
    accept,
    'muster usecase accept fraud-alerts --risk-tier limited --reason "It pays for itself in a month"',
  );

  const decline = usecase
    .command('decline')
    .description('Decline a use case, reviewed or not. A new review proposes it again.')
    .argument('<use-case>')
    .requiredOption('--reason <TEXT>', reason);
  does<[string], UseCaseReasonFlags>(
    decline,
    async (invocation, [name], flags) =>
      await (await import('../commands/usecase-decline.ts')).usecaseDecline(invocation, name, flags),
  );
  withExamples(decline, 'muster usecase decline fraud-alerts --reason "Nobody would act on it; a report will do"');

  const retire = usecase
    .command('retire')
    .description('End an accepted use case. Its endpoints go on answering, and belong to none.')
    .argument('<use-case>')
    .requiredOption('--reason <TEXT>', reason);
  does<[string], UseCaseReasonFlags>(
    retire,
    async (invocation, [name], flags) =>
      await (await import('../commands/usecase-retire.ts')).usecaseRetire(invocation, name, flags),
  );
  withExamples(retire, 'muster usecase retire fraud-alerts --reason "The payments moved to another provider"');
}

/** What is written down of a use case. */
function withFields(command: Command): Command {
  return command
    .option('--title <TEXT>', 'what it is, in a line')
    .option('--problem <TEXT>', 'what is wrong today, and for whom')
    .option('--supports <TEXT>', 'the decision that the model supports, and who takes it')
    .option('--baseline <TEXT>', 'how it is done today, and how well')
    .option('--metric <NAME>', 'what success is measured by')
    .option('--unit <UNIT>', 'its unit, such as percent')
    .option('--target <N>', 'what it has to reach')
    .option('--target-known-by <DATE>', 'day by which the target will be known, where nobody can know it yet')
    .option('--value <AMOUNT>', 'what one success is worth')
    .option('--currency <CODE>', 'of which currency, such as EUR')
    .option('--per <WHAT>', 'what is worth that, such as fraud found')
    .option('--sponsor <WHO>', 'who pays for it')
    .option('--alternatives <TEXT>', 'what was considered instead of machine learning');
}
