import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { UsageError } from '../usage-error.ts';
import { type UseCaseFieldFlags, readUseCaseFields } from './usecase-fields.ts';

/** Changes what a use case says. What is not given stays. */
export async function usecaseSet(invocation: Invocation, name: string, flags: UseCaseFieldFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  if (Object.values(flags).every((value) => value === undefined))
    throw new UsageError('nothing to change', 'Give at least one of --title, --problem, --baseline, --metric, …');
  const client = await invocation.client();
  const params = { useCase: name };
  const before = await client.call('useCaseGet', { params });
  const body = readUseCaseFields(flags, before, surroundings.now());
  const useCase = await client.call('useCaseUpdate', { params, ifMatch: before.revision, body });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(useCase));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} changed ${name}`);
  const muster = commandName(invocation);
  if (before.review !== null && useCase.review === null)
    terminal.note('  The review was about what it said before, and is void.');
  nextCommands(terminal, [
    useCase.state === 'proposed' && useCase.review === null
      ? ['Review it', `${muster} usecase review ${name}`]
      : ['See it', `${muster} usecase show ${name}`],
  ]);
}
