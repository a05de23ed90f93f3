import {
  type ReviewAdvice,
  type ReviewAnswers,
  type ReviewQuestion,
  reviewQuestions,
} from '../management/use-cases.ts';

/** What is said of each answer. */
const said: Readonly<Record<ReviewQuestion, Readonly<Record<'yes' | 'no' | 'unknown', string>>>> = {
  decision: {
    yes: 'There is a decision that the answer changes.',
    no: 'No decision depends on the answer, so a model would change nothing.',
    unknown: 'It is not known yet which decision the answer changes, and who takes it.',
  },
  baseline: {
    yes: 'It is known how well it is done today.',
    no: 'Nobody knows how well it is done today: measure it first, or nobody can say whether a model helps.',
    unknown: 'It is not known yet whether anybody measures how well it is done today.',
  },
  labels: {
    yes: 'There are examples with the right answer, or there will be.',
    no: 'There are no examples with the right answer: collect them first.',
    unknown: 'It is not known yet where examples with the right answer would come from.',
  },
  volume: {
    yes: 'It happens often enough to be worth a model.',
    no: 'It happens too rarely to be worth a model that is looked after every day.',
    unknown: 'It is not known yet how often it happens.',
  },
  tolerance: {
    yes: 'Some answers may be wrong, and somebody notices.',
    no: 'No answer may be wrong, and every model errs at times.',
    unknown: 'It is not known yet what a wrong answer costs, and who would notice it.',
  },
  rule: {
    yes: 'A rule or a report was tried, and does not do.',
    no: 'Nobody tried yet whether a simple rule or a report would do: try it first.',
    unknown: 'It is not known yet whether a simple rule or a report would do.',
  },
};

/**
 * What the answers of a review speak for; people decide, and may decide otherwise. Pure.
 *
 * Against: nothing depends on the answer, no answer may be wrong, or it is rare and no rule was tried. To be cleared up
 * first: whatever else is missing or not known. The reasons against come first, those for it last.
 */
export function adviceOf(answers: ReviewAnswers): ReviewAdvice {
  const questions = Object.keys(reviewQuestions) as ReviewQuestion[];
  const answered = (answer: 'yes' | 'no' | 'unknown'): readonly ReviewQuestion[] =>
    questions.filter((question) => answers[question].answer === answer);
  const no = answered('no');
  const against = no.filter(
    (question) =>
      question === 'decision' ||
      question === 'tolerance' ||
      ((question === 'volume' || question === 'rule') && no.includes('volume') && no.includes('rule')),
  );
  const open = [...no.filter((question) => !against.includes(question)), ...answered('unknown')];
  return {
    advice: against.length > 0 ? 'decline' : open.length > 0 ? 'clarify' : 'accept',
    reasons: [...against, ...open, ...answered('yes')].map((question) => said[question][answers[question].answer]),
  };
}
