import type { RiskTier } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { adviceText } from './usecase-text.ts';

export interface UseCaseAcceptFlags {
  readonly riskTier: RiskTier;
  readonly reason: string;
}

/** Accepts a use case that was reviewed, with how much harm a wrong answer may do. */
export async function usecaseAccept(invocation: Invocation, name: string, flags: UseCaseAcceptFlags): Promise<void> {
  const { terminal } = invocation;
  const { riskTier, reason } = flags;
  const client = await invocation.client();
  const useCase = await client.call('useCaseAccept', { params: { useCase: name }, body: { riskTier, reason } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(useCase));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} accepted ${name}, risk ${riskTier}`);
  if (useCase.review !== null && useCase.review.advice !== 'accept')
    terminal.note(`  The review said otherwise (${adviceText[useCase.review.advice]}); your reason is kept beside it.`);
  nextCommands(terminal, [
    ['Deploy for it', `${commandName(invocation)} deploy MODEL --name ENDPOINT --use-case ${name}`],
  ]);
}
