import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { kindText } from '../output/actor-text.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import { showFacts } from '../output/show-facts.ts';
import { timeText } from '../output/time-text.ts';

/** Shows one person or service account: its roles, and whether it may act. */
export async function actorShow(invocation: Invocation, name: string): Promise<void> {
  const { terminal, flags, surroundings } = invocation;
  const client = await invocation.client();
  const actor = await withNearest(
    client,
    'actor',
    name,
    async () => await client.call('actorGet', { params: { actor: name } }),
  );
  if (flags.json === true) return terminal.print(JSON.stringify(actor));
  if (flags.output === 'name') return terminal.print(actor.name);
  showFacts(terminal, [
    ['actor', actor.name],
    ['kind', kindText(actor)],
    ['state', actor.disabled ? 'disabled: its tokens do nothing' : 'active'],
    [
      'roles',
      Object.entries(actor.teams)
        .map(([team, roles]) => `${team}: ${roles.join(', ')}`)
        .join('\n'),
    ],
    ['installation', actor.platformRoles.join(', ')],
    ['created', timeText(actor.createdAt, { relative: terminal.isRead, nowMs: surroundings.now() })],
    ['id', actor.id],
  ]);
  const muster = commandName(invocation);
  terminal.note('');
  nextCommands(terminal, [
    ['Tokens', `${muster} token list --actor ${shellQuoted(actor.name)}`],
    ['Why not', `${muster} access explain ${shellQuoted(actor.name)} endpoint.predict endpoint/NAME`],
  ]);
}
