import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import type { UseCaseReasonFlags } from './usecase-decline.ts';

/** Ends an accepted use case. Its endpoints go on answering, and belong to none. */
export async function usecaseRetire(invocation: Invocation, name: string, flags: UseCaseReasonFlags): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const body = { reason: flags.reason };
  const useCase = await client.call('useCaseRetire', { params: { useCase: name }, body });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(useCase));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} retired ${name}`);
  if (useCase.endpoints.length === 0) return;
  const muster = commandName(invocation);
  terminal.note(`  Without a use case that counts: ${useCase.endpoints.join(', ')}`);
  nextCommands(terminal, [
    ['End one', `${muster} endpoint delete ${useCase.endpoints[0]}`],
    ['Give it another', `${muster} endpoint update ${useCase.endpoints[0]} --use-case NAME`],
  ]);
}
