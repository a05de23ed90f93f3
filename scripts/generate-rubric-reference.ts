import { writeFileSync } from 'node:fs';
import {
  type Check,
  type Level,
  type RiskTier,
  approvalsNeeded,
  checks,
  levels,
  maxWaiverDays,
  requiredLevels,
  riskTiers,
  rubricEdition,
} from '@muster-ml/protocol';

/** The page that is generated. */
export const rubricReference = new URL('../docs/reference/rubric.md', import.meta.url);

/** What each level is for; a level without a sentence does not compile. */
const meaning: Readonly<Record<Level, string>> = {
  bronze: 'the hand-over contract: what makes a model something that others can run',
  silver: 'what production asks for',
  gold: 'what production asks for where a wrong answer does much harm: silver, and a second approver; no checks of its own yet',
};

const collectors: Readonly<Record<Check['collected'], string>> = {
  platform: 'Muster itself',
  drill: 'a drill',
  person: 'a person, who signs for it',
};

/** `docs/reference/rubric.md`, from the checks that the server and `muster check` judge by. */
export function describeRubric(): string {
  const parts = [
    '# The rubric',
    `Generated from \`packages/protocol/src/readiness/checks/\`, by which the server and \`muster check\` judge, by \`npm run docs:generate\`; do not
edit. Edition ${rubricEdition}; an approval is bound to the edition that it was given under. What it is for, and how to work with it, is in
the [guide](../guides/readiness.md).`,
    '## Levels',
    table(
      ['level', 'what for'],
      levels.map((level) => [`**${level}**`, meaning[level]]),
    ),
    'Each level asks for the checks of those before it, too. Which one is asked for, and how many people who did not make it have to approve:',
    table(
      ['environment', ...riskTiers.map((tier) => `${tier} risk`)],
      [
        ['`prod`', ...riskTiers.map((tier) => requiredText('prod', tier))],
        ['any other', ...riskTiers.map((tier) => requiredText('dev', tier))],
      ],
    ),
    'While the risk is not known it counts as limited.',
    '## Checks',
    table(
      ['check', 'level', 'what holds', 'counts', 'collected by', 'waivable'],
      checks.map((check) => [
        `[${check.id}](#${check.id.toLowerCase()}) ${check.title}`,
        check.level,
        check.evidence,
        freshText(check.fresh),
        collectors[check.collected],
        check.waivable ? 'yes' : 'never',
      ]),
    ),
    `A waiver has a reason, an approver who did not ask for it, and an end, at most ${maxWaiverDays} days away.`,
    ...checks.flatMap(describeCheck),
  ];
  return `${parts.join('\n\n')}\n`;
}

function requiredText(environment: string, tier: RiskTier): string {
  const level = requiredLevels(environment)[tier];
  const needed = approvalsNeeded(level, tier);
  return needed === 0 ? level : `${level}, ${needed} ${needed === 1 ? 'approver' : 'approvers'}`;
}

function describeCheck(check: Check): string[] {
  return [
    `### ${check.id}`,
    `**${check.title}.** ${check.why}`,
    [
      `- Holds where ${check.evidence}.`,
      `- Counts ${freshText(check.fresh)}; collected by ${collectors[check.collected]}.`,
      `- Where something else serves the endpoint: ${observedText(check)}.`,
      `- What gets it: \`${check.remedy}\``,
    ].join('\n'),
  ];
}

function freshText(fresh: Check['fresh']): string {
  switch (fresh.kind) {
    case 'version':
      return 'for the version';
    case 'live':
      return 'while it is true';
    case 'days':
      return `for ${fresh.days} days`;
  }
}

function observedText({ appliesTo, attestedWhereObserved }: Check): string {
  if (!appliesTo.includes('observed')) return 'does not apply';
  return attestedWhereObserved === true ? 'a person signs for it' : 'the same';
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, titles.map(() => '---'), ...rows];
  return lines.map((line) => `| ${line.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`).join('\n');
}

/** Writes the page. */
export function generateRubricReference(): void {
  writeFileSync(rubricReference, describeRubric());
}
