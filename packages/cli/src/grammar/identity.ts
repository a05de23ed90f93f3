import type { Command } from 'commander';
import type { ActorAddFlags } from '../commands/actor-add.ts';
import type { TeamCreateFlags } from '../commands/team-create.ts';
import type { TokenCreateFlags } from '../commands/token-create.ts';
import type { TokenListFlags } from '../commands/token-list.ts';
import type { RolePlaceFlags } from '../context/role-place.ts';
import { type Does, withExamples } from './does.ts';

/** `muster actor …`, `muster team …`, `muster role …`, `muster token …`: who there is, and by which token. */
export function addIdentityCommands(program: Command, does: Does): void {
  addActorCommands(program, does);
  addTeamCommands(program, does);
  addRoleCommands(program, does);
  addTokenCommands(program, does);
}

function addActorCommands(program: Command, does: Does): void {
  const actor = program
    .command('actor')
    .summary('list, add, rename and disable people and service accounts')
    .description('Actors: the people and the service accounts that may use this installation.');

  const list = actor.command('list').description('List the people and service accounts that you may see.');
  does<[]>(list, async (invocation) => await (await import('../commands/actor-list.ts')).actorList(invocation));
  withExamples(list, 'muster actor list', 'muster actor list -o wide');

  const show = actor
    .command('show')
    .description('Show an actor: its roles, and whether it may act.')
    .argument('<actor>');
  does<[string]>(
    show,
    async (invocation, [name]) => await (await import('../commands/actor-show.ts')).actorShow(invocation, name),
  );
  withExamples(show, 'muster actor show ana');

  const add = actor
    .command('add')
    .description('Add a person, or a service account of a team. Neither may do anything before it has a role.')
    .argument('<name>')
    .option('--service', 'a service account: a program, not a person')
    .option('--team <TEAM>', 'the team that the service account belongs to');
  does<[string], ActorAddFlags>(
    add,
    async (invocation, [name], flags) =>
      await (await import('../commands/actor-add.ts')).actorAdd(invocation, name, flags),
  );
  withExamples(add, 'muster actor add ana', 'muster actor add ci-fraud --service --team fraud');

  const rename = actor
    .command('rename')
    .description('Give an actor another name. Its tokens, roles and access rules stay.')
    .argument('<actor>')
    .argument('<new-name>');
  does<[string, string]>(
    rename,
    async (invocation, [name, newName]) =>
      await (await import('../commands/actor-rename.ts')).actorRename(invocation, name, newName),
  );
  withExamples(rename, 'muster actor rename ana ana.silva');

  const disable = actor
    .command('disable')
    .description('Refuse every token of an actor, until it is enabled again.')
    .argument('<actor>');
  does<[string]>(
    disable,
    async (invocation, [name]) => await (await import('../commands/actor-disable.ts')).actorDisable(invocation, name),
  );
  withExamples(disable, 'muster actor disable ana');

  const enable = actor.command('enable').description('Let a disabled actor act again.').argument('<actor>');
  does<[string]>(
    enable,
    async (invocation, [name]) => await (await import('../commands/actor-disable.ts')).actorEnable(invocation, name),
  );
}

function addTeamCommands(program: Command, does: Does): void {
  const team = program
    .command('team')
    .summary('list, show and make teams')
    .description('Teams: they own models and endpoints, and actors hold roles in them.');

  const list = team.command('list').description('List the teams that you may see.');
  does<[]>(list, async (invocation) => await (await import('../commands/team-list.ts')).teamList(invocation));

  const show = team.command('show').description('Show a team, and who holds which role in it.').argument('<team>');
  does<[string]>(
    show,
    async (invocation, [name]) => await (await import('../commands/team-show.ts')).teamShow(invocation, name),
  );
  withExamples(show, 'muster team show fraud');

  const create = team
    .command('create')
    .description('Make a team. Nobody is in it yet.')
    .argument('<name>')
    .option('--description <TEXT>', 'one sentence on what it does');
  does<[string], TeamCreateFlags>(
    create,
    async (invocation, [name], flags) =>
      await (await import('../commands/team-create.ts')).teamCreate(invocation, name, flags),
  );
  withExamples(create, 'muster team create fraud --description "Finds what is not paid honestly"');

  const describe = team
    .command('describe')
    .description('Change the description of a team.')
    .argument('<team>')
    .argument('<text>');
  does<[string, string]>(
    describe,
    async (invocation, [name, text]) =>
      await (await import('../commands/team-describe.ts')).teamDescribe(invocation, name, text),
  );
}

const roleHelp =
  'viewer, data-scientist, operator, approver, data-owner, auditor or admin; for the installation auditor or admin';

function addRoleCommands(program: Command, does: Does): void {
  const role = program
    .command('role')
    .summary('give roles and take them back')
    .description('Roles: what an actor may do, in a team or in the whole installation. They add up.');

  const grant = role
    .command('grant')
    .description('Give an actor a role. It counts with the next request.')
    .argument('<role>', roleHelp)
    .argument('<actor>')
    .option('--team <TEAM>', 'in this team')
    .option('--installation', 'in every team, and for what belongs to none');
  does<[string, string], RolePlaceFlags>(
    grant,
    async (invocation, [name, actor], flags) =>
      await (await import('../commands/role-grant.ts')).roleGrant(invocation, name, actor, flags),
  );
  withExamples(
    grant,
    'muster role grant data-scientist ana --team fraud',
    'muster role grant auditor ana --installation',
  );

  const revoke = role
    .command('revoke')
    .description('Take a role back, as far as it was given by hand.')
    .argument('<role>', roleHelp)
    .argument('<actor>')
    .option('--team <TEAM>', 'in this team')
    .option('--installation', 'in the installation');
  does<[string, string], RolePlaceFlags>(
    revoke,
    async (invocation, [name, actor], flags) =>
      await (await import('../commands/role-revoke.ts')).roleRevoke(invocation, name, actor, flags),
  );
  withExamples(revoke, 'muster role revoke data-scientist ana --team fraud');
}

function addTokenCommands(program: Command, does: Does): void {
  const token = program
    .command('token')
    .summary('print, make, list and revoke tokens')
    .description('Tokens: what an actor shows. Without a verb, print the token for the server.');

  const print = token
    .command('print', { isDefault: true })
    .description('Print the token for the server, for use in other programs. muster token does the same.');
  does<[]>(print, async (invocation) => await (await import('../commands/token.ts')).token(invocation));
  withExamples(print, 'curl -H "Authorization: Bearer $(muster token)" http://localhost:7070/api/v1/status');

  const list = token
    .command('list')
    .description('List tokens, newest first: your own, or those of an actor.')
    .option('--actor <ACTOR>', 'whose tokens');
  does<[], TokenListFlags>(
    list,
    async (invocation, _operands, flags) =>
      await (await import('../commands/token-list.ts')).tokenList(invocation, flags),
  );
  withExamples(list, 'muster token list', 'muster token list --actor ci-fraud');

  const create = token
    .command('create')
    .description(
      'Make a token. It is shown this once, alone on standard output. It may never do more than its owner may.',
    )
    .option('--for <ACTOR>', 'whose token it is (default: yours)')
    .option('--note <TEXT>', 'what it is for')
    .option('--expires <TIME>', 'for how long it counts, in days, at most 365d (default: 90d)')
    .option('--action <ACTION>', 'only this action, such as endpoint.predict; may be repeated', repeated)
    .option('--resource <RESOURCE>', 'only on endpoint/NAME or team/NAME; may be repeated', repeated)
    .option('--output-file <FILE>', 'write it to a new file that you alone may read, instead of showing it');
  does<[], TokenCreateFlags>(
    create,
    async (invocation, _operands, flags) =>
      await (await import('../commands/token-create.ts')).tokenCreate(invocation, flags),
  );
  withExamples(
    create,
    'muster token create --note laptop --expires 30d --output-file token.txt',
    'muster token create --for ci-fraud --action endpoint.predict --resource endpoint/fraud',
  );

  const revoke = token.command('revoke').description('End a token at once.').argument('<token-id>');
  does<[string]>(
    revoke,
    async (invocation, [id]) => await (await import('../commands/token-revoke.ts')).tokenRevoke(invocation, id),
  );
  withExamples(revoke, 'muster token revoke 0199d6c0-1a2b-7c3d-8e4f-5a6b7c8d9e0f');

  const report = token
    .command('report')
    .description('End a token that was found where it should not be, whosever it is. It is read from standard input.');
  does<[]>(report, async (invocation) => await (await import('../commands/token-report.ts')).tokenReport(invocation));
  withExamples(report, 'muster token report < found.txt');
}

function repeated(one: string, others: readonly string[] | undefined): string[] {
  return [...(others ?? []), one];
}
