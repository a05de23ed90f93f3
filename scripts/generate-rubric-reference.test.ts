import { readFileSync } from 'node:fs';
import { checks, riskTiers } from '@muster-ml/protocol';
import { expect, test } from 'vitest';
import { describeRubric, rubricReference } from './generate-rubric-reference.ts';

const page = describeRubric();

test('the page of the rubric says what is judged by', () => {
  expect(readFileSync(rubricReference, 'utf8'), 'run npm run docs:generate').toBe(page);
});

test.each(checks.map((check) => [check.id, check] as const))(
  '%s stands in the table, and has a section with why it is and what gets it',
  (id, { title, why, remedy }) => {
    expect(page).toContain(`| [${id}](#${id.toLowerCase()}) ${title} |`);
    const [, section = ''] = page.split(`### ${id}\n`);
    expect(section.split('### ')[0]).toContain(why);
    expect(section.split('### ')[0]).toContain(`\`${remedy}\``);
  },
);

test('what is asked for stands there by environment and risk', () => {
  expect(page).toContain(`| environment | ${riskTiers.map((tier) => `${tier} risk`).join(' | ')} |`);
  expect(page).toContain('| `prod` | silver, 1 approver | silver, 1 approver | gold, 2 approvers |');
  expect(page).toContain('| any other | bronze | bronze | silver, 2 approvers |');
});
