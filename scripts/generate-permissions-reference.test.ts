import { readFileSync } from 'node:fs';
import { type Condition, type Route, actions, conditions, matrix, permissionOf, routes } from '@muster-ml/protocol';
import { expect, test } from 'vitest';
import { describePermissions, permissionsReference } from './generate-permissions-reference.ts';

const page = describePermissions();
const [, ofActions = ''] = page.split('## Actions');
const [, ofRoutes = ''] = page.split('## Routes by action');
const holders = Object.keys(matrix) as (keyof typeof matrix)[];

test('the page of permissions says what the server decides by', () => {
  expect(readFileSync(permissionsReference, 'utf8'), 'run npm run docs:generate').toBe(page);
});

test.each((Object.entries(routes) as [string, Route][]).map(([name, route]) => [name, route] as const))(
  'the action of %s stands in the table, somebody holds it, and the route stands under it',
  (_name, { action, method, path }) => {
    expect(ofActions).toContain(`| \`${action}\` | `);
    expect(holders.some((holder) => permissionOf(holder, action) !== undefined)).toBe(true);
    const before = ofRoutes.slice(0, ofRoutes.indexOf(`\`${method} ${path}\``));
    expect([...before.matchAll(/^\| `([a-z.-]+)` \|/gm)].at(-1)?.[1]).toBe(action);
  },
);

test('a cell of the table says whether its column holds the action, and under which conditions', () => {
  const numbers = Object.keys(conditions) as Condition[];
  const lines = ofActions.split('\n').filter((line) => line.startsWith('|'));
  const titles = cells(lines[0] ?? '');
  expect(titles).toEqual(['action', ...holders]);
  for (const action of actions) {
    const [, ...found] = cells(lines.find((line) => line.startsWith(`| \`${action}\` |`)) ?? '');
    for (const [at, holder] of holders.entries()) {
      const needed = permissionOf(holder, action);
      const shown = /^✓(?: <sup>([\d ]+)<\/sup>)?$/.exec(found[at] ?? '');
      expect(shown !== null, `${action} of ${holder}`).toBe(needed !== undefined);
      const said = (shown?.[1] ?? '').split(' ').filter((text) => text !== '');
      expect(new Set(said.map((text) => numbers[Number(text) - 1]))).toEqual(new Set(needed));
    }
  }
});

function cells(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}
