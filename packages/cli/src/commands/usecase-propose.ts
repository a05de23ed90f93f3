import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { UsageError } from '../usage-error.ts';
import { type UseCaseFieldFlags, readUseCaseFields } from './usecase-fields.ts';

export interface UseCaseProposeFlags extends UseCaseFieldFlags {
  readonly team?: string;
}

/** Writes down why a model should exist. What is not known yet may be left out; the review asks for it. */
export async function usecasePropose(invocation: Invocation, name: string, flags: UseCaseProposeFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const { title, problem, ...rest } = readUseCaseFields(flags, {}, surroundings.now());
  if (title === undefined || problem === undefined)
    throw new UsageError(
      'a use case says what it is, and what is wrong today',
      'Give --title and --problem; everything else may follow later.',
      title === undefined ? '--title' : '--problem',
    );
  const client = await invocation.client();
  const useCase = await client.call('useCasePropose', {
    body: { name, title, problem, ...rest, ...(flags.team === undefined ? {} : { team: flags.team }) },
  });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(useCase));
  else if (invocation.flags.output === 'name') terminal.print(useCase.name);
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} proposed ${useCase.name} in ${useCase.team}`);
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['Review it', `${muster} usecase review ${useCase.name}`],
    ['Add to it', `${muster} usecase set ${useCase.name} --baseline TEXT`],
  ]);
}
