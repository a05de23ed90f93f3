import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { readSecretName } from './secret-name.ts';
import { restartEndpoint } from './endpoint-restart.ts';
import { readSecretValue } from './secret-value.ts';

export interface SecretSetFlags {
  readonly fromFile?: string;
  readonly restart?: boolean;
}

/** Gives a secret a new value; with `--restart`, what uses it starts anew with it. */
export async function secretSet(invocation: Invocation, what: string, flags: SecretSetFlags): Promise<void> {
  const { terminal } = invocation;
  const { team, name } = readSecretName(what);
  const body = await readSecretValue(invocation, flags.fromFile);
  const client = await invocation.client();
  const secret = await client.call('secretSet', { params: { team, secret: name }, body });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(secret));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ${secret.reference} is at version ${secret.version}`,
  );
  const endpoints = [...new Set(secret.usedBy.map(({ endpoint }) => endpoint))];
  const muster = commandName(invocation);
  if (flags.restart === true) {
    for (const endpoint of endpoints) await restartEndpoint(invocation, client, endpoint, `${endpoint} runs with it`);
    if (endpoints.length === 0) terminal.note('Nothing uses it, so nothing was restarted.');
    return;
  }
  if (endpoints.length > 0)
    terminal.note(
      `  ${endpoints.join(', ')} ${endpoints.length === 1 ? 'goes' : 'go'} on with the value before until the next start; --restart starts what uses a secret anew`,
    );
  nextCommands(terminal, [['Use it', `${muster} deploy MODEL --secret VARIABLE=${secret.reference}`]]);
}
