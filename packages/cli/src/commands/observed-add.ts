import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';

export interface ObservedAddFlags {
  readonly platform: string;
  readonly location?: string;
  readonly model?: string;
  readonly modelVersion?: string;
  readonly probe?: string;
  readonly owner?: string;
  readonly useCase?: string;
  readonly team?: string;
  readonly runbook?: string;
  readonly description?: string;
}

/** Lists an endpoint that something else serves. */
export async function observedAdd(invocation: Invocation, name: string, flags: ObservedAddFlags): Promise<void> {
  const { terminal } = invocation;
  const { modelVersion, ...rest } = flags;
  const client = await invocation.client();
  const added = await client.call('observedCreate', {
    body: { name, ...rest, ...(modelVersion === undefined ? {} : { version: modelVersion }) },
  });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(added));
  else if (invocation.flags.output === 'name') terminal.print(added.name);
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ${added.name} is listed; ${added.platform} serves it`,
  );
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['See it', `${muster} observed show ${added.name}`],
    ...(added.probe === null
      ? ([['Watch it', `${muster} observed set ${added.name} --probe https://HOST/READY`]] as const)
      : []),
  ]);
}
