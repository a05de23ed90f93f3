import { writeFileSync } from 'node:fs';
import {
  type Action,
  type Condition,
  type Role,
  type Route,
  actions,
  conditions,
  matrix,
  permissionOf,
  platformRoles,
  readActions,
  roles,
  routes,
} from '@muster-ml/protocol';

/** The page that is generated. */
export const permissionsReference = new URL('../docs/reference/permissions.md', import.meta.url);

type Holder = keyof typeof matrix;

const holders = ['everyone', 'granted', ...roles] as const satisfies readonly Holder[];

/** What each line of the matrix is for; a role without a sentence does not compile. */
const meaning: Readonly<Record<Holder, string>> = {
  everyone: 'each actor that is signed in, without any role',
  granted: 'whom an access rule names, for the endpoint of the rule',
  viewer: 'sees what the team has',
  'data-scientist': 'hands over models, and deploys and changes endpoints where the installation is not `prod`',
  operator: 'runs the team’s endpoints everywhere, `prod` included, lets others call them, and sets secrets',
  approver: 'sees what is needed to approve, and may go back to what was live before',
  'data-owner': 'sees who may call what',
  auditor: 'sees everything there is about who did what, and changes nothing',
  admin: 'people, teams, roles and tokens; neither predicts nor deploys by this role',
};

/** The operations of the gateway, which are no routes of the management API. */
const gatewayOperations: readonly (readonly [action: Action, operation: string])[] = [
  ['endpoint.read', '`GET /v2/models/{endpoint}` and below, `POST /v2/repository/index`, `GET /predict/{endpoint}`'],
  ['endpoint.predict', '`POST /predict/{endpoint}`, `POST /v2/models/{endpoint}/infer`'],
];

/** `docs/reference/permissions.md`, from the matrix that the server decides by. */
export function describePermissions(): string {
  const notes = Object.keys(conditions) as Condition[];
  const parts = [
    '# Who may do what',
    `Generated from \`packages/protocol/src/management/permissions.ts\`, by which the server decides, by \`npm run docs:generate\`; do not edit.
Tasks are in the [guide](../guides/access.md). \`muster access explain ACTOR ACTION RESOURCE\` says which line decided.`,
    `**What is not in this table is denied.** Roles are held in a team and count for what belongs to the team; ${platformRoles.map((role) => `\`${role}\``).join(' and ')} may
also be held for the whole installation, and then count in every team and for what belongs to none. Roles add up. A token may take away from
what its owner may, and never adds.`,
    `**Hidden or refused.** What an actor may not see does not exist for it: the answer is 404, word for word as for what is not there, and
lists, counts and searches leave it out. What it may see but not do is 403, and the answer names the action. What shows that
something exists: ${Object.entries(readActions)
      .map(([kind, action]) => `\`${action}\` (${kind})`)
      .join(', ')}. The one exception: that a name is taken is told (409), for names are unique in an installation.`,
    '## Roles',
    table(
      ['role', 'held in', 'what for'],
      holders.map((holder) => [
        `**${holder}**`,
        holder === 'everyone' || holder === 'granted' ? '—' : heldIn(holder),
        meaning[holder],
      ]),
    ),
    '## Actions',
    table(
      ['action', ...holders],
      actions.map((action) => [`\`${action}\``, ...holders.map((holder) => cellOf(holder, action, notes))]),
    ),
    '## Conditions',
    'A ✓ with a number counts only if what the number stands for is so; with several, all of them.',
    notes.map((condition, at) => `${at + 1}. **${condition}**: ${conditions[condition]}`).join('\n'),
    '## Routes by action',
    table(['action', 'route', 'what it does'], actions.flatMap(routesOf)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function heldIn(role: Role): string {
  return platformRoles.some((platform) => platform === role) ? 'a team, or the installation' : 'a team';
}

/** ✓ with the numbers of the conditions, or nothing. */
function cellOf(holder: Holder, action: Action, notes: readonly Condition[]): string {
  const needed = permissionOf(holder, action);
  if (needed === undefined) return '';
  const numbers = needed.map((condition) => notes.indexOf(condition) + 1).toSorted((a, b) => a - b);
  return numbers.length === 0 ? '✓' : `✓ <sup>${numbers.join(' ')}</sup>`;
}

function routesOf(action: Action): string[][] {
  const ofApi = (Object.values(routes) as Route[])
    .filter((route) => route.action === action)
    .map(({ method, path, summary }) => [`\`${method} ${path}\``, summary.replaceAll('|', String.raw`\|`)]);
  const ofGateway = gatewayOperations
    .filter(([one]) => one === action)
    .map(([, operation]) => [operation, 'At the gateway']);
  const lines = [...ofApi, ...ofGateway];
  const all = lines.length > 0 ? lines : [['—', 'No route of its own: it is asked for within others']];
  return all.map((line, at) => [at === 0 ? `\`${action}\`` : '', ...line]);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, titles.map(() => '---'), ...rows];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** Writes the page. */
export function generatePermissionsReference(): void {
  writeFileSync(permissionsReference, describePermissions());
}
