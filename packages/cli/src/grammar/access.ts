import type { Command } from 'commander';
import type { AccessGrantFlags } from '../commands/access-grant.ts';
import type { AccessRevokeFlags } from '../commands/access-revoke.ts';
import { type Does, withExamples } from './does.ts';

/** `muster access …`: who may call an endpoint besides its team, and why somebody may or may not do something. */
export function addAccessCommands(program: Command, does: Does): void {
  const access = program
    .command('access')
    .summary('let others call an endpoint, and explain what is allowed')
    .description('Access: an endpoint is called by its team, and by whom a rule lets in.');

  const list = access
    .command('list')
    .description('List who may call an endpoint besides its team.')
    .argument('<endpoint>');
  does<[string]>(
    list,
    async (invocation, [endpoint]) =>
      await (await import('../commands/access-list.ts')).accessList(invocation, endpoint),
  );
  withExamples(list, 'muster access list fraud');

  const grant = access
    .command('grant')
    .description('Let an actor or a team call an endpoint. A rule that is there already is replaced.')
    .argument('<endpoint>')
    .argument('[actor]', 'who may call it; or a team with --team')
    .option('--team <TEAM>', 'everybody who holds a role in this team')
    .option('--rate <RATE>', 'most requests of one actor, such as 10/s or 90/m')
    .option('--per-day <N>', 'most requests of one actor in a day (UTC)')
    .option('--expires <TIME>', 'for how long, in days, such as 30d');
  does<[string, string | undefined], AccessGrantFlags>(
    grant,
    async (invocation, [endpoint, actor], flags) =>
      await (await import('../commands/access-grant.ts')).accessGrant(invocation, endpoint, actor, flags),
  );
  withExamples(
    grant,
    'muster access grant fraud web-shop --rate 10/s --per-day 100000',
    'muster access grant fraud --team search --expires 30d',
  );

  const revoke = access
    .command('revoke')
    .description('End what a rule allowed. Roles in the team of the endpoint are not touched.')
    .argument('<endpoint>')
    .argument('[actor]', 'whose rule ends; or a team with --team')
    .option('--team <TEAM>', 'the rule of this team');
  does<[string, string | undefined], AccessRevokeFlags>(
    revoke,
    async (invocation, [endpoint, actor], flags) =>
      await (await import('../commands/access-revoke.ts')).accessRevoke(invocation, endpoint, actor, flags),
  );
  withExamples(revoke, 'muster access revoke fraud web-shop', 'muster access revoke fraud --team search');

  const explain = access
    .command('explain')
    .description('Say whether an actor may do something, and which rule decides.')
    .argument('<actor>')
    .argument('<action>', 'such as endpoint.predict; docs/reference/permissions.md lists them')
    .argument('<resource>', 'such as endpoint/fraud, model/fraud, team/search or installation');
  does<[string, string, string]>(
    explain,
    async (invocation, [actor, action, resource]) =>
      await (await import('../commands/access-explain.ts')).accessExplain(invocation, actor, action, resource),
  );
  withExamples(explain, 'muster access explain ana endpoint.deploy endpoint/fraud');
}
