import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';

export interface UseCaseReasonFlags {
  readonly reason: string;
}

/** Declines a use case, which is a good end, too: it says why, and a new review proposes it again. */
export async function usecaseDecline(invocation: Invocation, name: string, flags: UseCaseReasonFlags): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const body = { reason: flags.reason };
  const useCase = await client.call('useCaseDecline', { params: { useCase: name }, body });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(useCase));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} declined ${name}; not to build a model is a good answer, too`,
  );
  nextCommands(terminal, [['When things change', `${commandName(invocation)} usecase review ${name}`]]);
}
