import { type ReviewAnswers, type ReviewQuestion, reviewQuestions } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { UsageError } from '../usage-error.ts';
import { askQuestions } from './usecase-questions.ts';
import { adviceText, reasonLines } from './usecase-text.ts';

export interface UseCaseReviewFlags extends Readonly<Partial<Record<ReviewQuestion, string>>> {
  /** `QUESTION=TEXT` */
  readonly note?: readonly string[];
}

const questions = Object.keys(reviewQuestions) as ReviewQuestion[];

/**
 * Answers the questions of the guided review: by flags, and on a terminal one by one. Says what they speak for; who
 * decides may decide otherwise.
 */
export async function usecaseReview(invocation: Invocation, name: string, flags: UseCaseReviewFlags): Promise<void> {
  const { terminal } = invocation;
  const notes = readNotes(flags.note ?? []);
  const open = questions.filter((question) => flags[question] === undefined);
  if (open.length > 0 && !terminal.isInteractive)
    throw new UsageError(
      open.length === 1 ? 'a question has no answer' : `${open.length} questions have no answer`,
      `Add ${open.map((question) => `--${question} yes|no|unknown`).join(' ')}.`,
      `--${open[0]}`,
    );
  const client = await invocation.client();
  const params = { useCase: name };
  // Nobody is asked six questions about something that is not there.
  if (open.length > 0) terminal.note(`${name}: ${(await client.call('useCaseGet', { params })).title}\n`);
  const asked = await askQuestions(invocation, open);
  const answerTo = (question: ReviewQuestion): ReviewAnswers['rule'] => {
    const { answer, note } = asked.get(question) ?? { answer: readAnswer(question, flags[question]), note: '' };
    return { answer, note: notes.get(question) ?? note };
  };
  const useCase = await client.call('useCaseReview', {
    params,
    body: {
      answers: {
        decision: answerTo('decision'),
        baseline: answerTo('baseline'),
        labels: answerTo('labels'),
        volume: answerTo('volume'),
        tolerance: answerTo('tolerance'),
        rule: answerTo('rule'),
      },
    },
  });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(useCase));
  const { review } = useCase;
  if (review === null) return;
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} reviewed ${name}: ${adviceText[review.advice]}; people decide`,
  );
  for (const line of reasonLines(terminal, review)) terminal.note(line);
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['Accept it', `${muster} usecase accept ${name} --risk-tier TIER --reason TEXT`],
    ['Decline it', `${muster} usecase decline ${name} --reason TEXT`],
  ]);
}

function readAnswer(question: ReviewQuestion, text: string | undefined): 'yes' | 'no' | 'unknown' {
  if (text === 'yes' || text === 'no' || text === 'unknown') return text;
  throw new UsageError(`\`${text}\` is no answer`, 'Write yes, no or unknown.', `--${question}`);
}

function readNotes(texts: readonly string[]): ReadonlyMap<ReviewQuestion, string> {
  return new Map(
    texts.map((text) => {
      const at = text.indexOf('=');
      const question = questions.find((one) => one === text.slice(0, at));
      if (question !== undefined) return [question, text.slice(at + 1)];
      throw new UsageError(
        `\`${text}\` is no note of a question`,
        `Write QUESTION=TEXT; the questions are ${questions.join(', ')}.`,
        '--note',
      );
    }),
  );
}
