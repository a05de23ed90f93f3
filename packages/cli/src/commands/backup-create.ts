import { backupSchema } from '@muster-ml/protocol';
import { followOperation } from '../handover/follow-operation.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import { sizeText } from '../units/size.ts';

/** Has the server back itself up, waits for it, and prints the folder of the backup. */
export async function backupCreate(invocation: Invocation): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const operation = await client.call('backupCreate');
  const ended = await followOperation(invocation, client, operation, ({ result }) => {
    const { database, databaseBytes, objects, ledger } = backupSchema.parse(result?.['backup']);
    return `backed up: ${database} ${sizeText(databaseBytes)}, ${objects.count} files ${sizeText(objects.bytes)}, ${ledger.size} audit entries`;
  });
  const backup = backupSchema.parse(ended.result?.['backup']);
  if (flags.json === true) return terminal.print(JSON.stringify(backup));
  terminal.print(backup.path);
  nextCommands(terminal, [['Try it out', `${commandName(invocation)} backup verify ${shellQuoted(backup.path)}`]]);
}
