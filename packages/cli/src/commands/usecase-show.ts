import type { UseCase } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { showFacts } from '../output/show-facts.ts';
import { timeText } from '../output/time-text.ts';
import { adviceText, metricText, reasonLines, valueText, whoText } from './usecase-text.ts';

/** Shows a use case: what it says, what its review speaks for, what was decided and why. */
export async function usecaseShow(invocation: Invocation, name: string): Promise<void> {
  const { terminal, flags, surroundings } = invocation;
  const client = await invocation.client();
  const useCase = await client.call('useCaseGet', { params: { useCase: name } });
  if (flags.json === true) return terminal.print(JSON.stringify(useCase));
  if (flags.output === 'name') return terminal.print(useCase.name);
  const done = (act: { readonly at: string; readonly by: UseCase['proposed']['by'] }): string =>
    `by ${whoText(act)}, ${timeText(act.at, { relative: terminal.isRead, nowMs: surroundings.now() })}`;
  const { review, decided } = useCase;
  showFacts(terminal, [
    ['use case', useCase.name],
    ['title', useCase.title],
    ['state', stateText(useCase)],
    ['team', useCase.team],
    ['risk', useCase.riskTier ?? undefined],
    ['problem', useCase.problem],
    ['supports', useCase.supports],
    ['baseline', useCase.baseline],
    ['metric', metricText(useCase.metric)],
    ['value', valueText(useCase.value)],
    ['sponsor', useCase.sponsor],
    ['alternatives', useCase.alternatives],
    ['endpoints', useCase.endpoints.join(', ')],
    ['proposed', done(useCase.proposed)],
    ['reviewed', review === null ? undefined : `${done(review)}: ${adviceText[review.advice]}`],
    ['decided', decided === null ? undefined : `${decided.as} ${done(decided)}, entry ${decided.entry}`],
    ['reason', decided?.reason],
  ]);
  if (review !== null) {
    terminal.print('');
    for (const line of reasonLines(terminal, review)) terminal.print(line);
    const notes = Object.entries(review.answers).filter(([, { note }]) => note !== '');
    if (notes.length > 0) terminal.print('');
    showFacts(
      terminal,
      notes.map(([question, { answer, note }]) => [question, `${answer}: ${note}`]),
    );
  }
  terminal.note('');
  nextCommands(terminal, next(useCase, commandName(invocation)));
}

function stateText({ state, decided }: UseCase): string {
  if (state === 'live') return 'live: accepted, and an endpoint of it answers';
  return state === 'proposed' && decided?.as === 'declined' ? 'proposed again, after it was declined' : state;
}

function next({ name, state, review, endpoints }: UseCase, muster: string): (readonly [string, string])[] {
  const [endpoint] = endpoints;
  switch (state) {
    case 'proposed':
      return review === null
        ? [['Review it', `${muster} usecase review ${name}`]]
        : [
            ['Accept it', `${muster} usecase accept ${name} --risk-tier TIER --reason TEXT`],
            ['Decline it', `${muster} usecase decline ${name} --reason TEXT`],
          ];
    case 'declined':
      return [['Propose it again', `${muster} usecase review ${name}`]];
    case 'accepted':
    case 'live':
      return endpoint === undefined
        ? [['Deploy for it', `${muster} deploy MODEL --name ENDPOINT --use-case ${name}`]]
        : [['What is missing', `${muster} check ${endpoint}`]];
    case 'retired':
      return endpoint === undefined ? [] : [['End its endpoint', `${muster} endpoint delete ${endpoint}`]];
  }
}
