import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ReviewAnswers, type ReviewQuestion, reviewQuestions } from '../management/use-cases.ts';
import { adviceOf } from './review-advice.ts';

const questions = Object.keys(reviewQuestions) as ReviewQuestion[];
type Answer = 'yes' | 'no' | 'unknown';

function answersWith(given: Partial<Record<ReviewQuestion, Answer>>, otherwise: Answer = 'yes'): ReviewAnswers {
  return Object.fromEntries(
    questions.map((question) => [question, { answer: given[question] ?? otherwise, note: '' }]),
  ) as ReviewAnswers;
}

describe('the advice of a review', () => {
  it('is to accept where all six speak for it', () => {
    expect(adviceOf(answersWith({})).advice).toBe('accept');
  });

  it.each([
    [{ decision: 'no' }, 'No decision depends on the answer'],
    [{ tolerance: 'no' }, 'No answer may be wrong'],
    [{ volume: 'no', rule: 'no' }, 'It happens too rarely'],
  ] as const)('is to decline with %j, and says so first', (given, first) => {
    const { advice, reasons } = adviceOf(answersWith(given));
    expect(advice).toBe('decline');
    expect(reasons[0]).toContain(first);
  });

  it.each([
    [{ baseline: 'no' }, 'measure it first'],
    [{ labels: 'no' }, 'collect them first'],
    [{ volume: 'no' }, 'It happens too rarely'],
    [{ rule: 'no' }, 'try it first'],
    [{ decision: 'unknown' }, 'not known yet which decision'],
    [{ tolerance: 'unknown' }, 'not known yet what a wrong answer costs'],
  ] as const)('is to clear it up first with %j', (given, first) => {
    const { advice, reasons } = adviceOf(answersWith(given));
    expect(advice).toBe('clarify');
    expect(reasons[0]).toContain(first);
  });

  it('puts what speaks against it before what is open, and that before what speaks for it', () => {
    const { reasons } = adviceOf(answersWith({ tolerance: 'no', labels: 'no', baseline: 'unknown' }));
    expect(reasons.map((reason) => reason.split(' ').slice(0, 3).join(' '))).toEqual([
      'No answer may',
      'There are no',
      'It is not',
      'There is a',
      'It happens often',
      'A rule or',
    ]);
  });

  const anyAnswers = fc
    .record(
      Object.fromEntries(questions.map((question) => [question, fc.constantFrom('yes', 'no', 'unknown')])) as Record<
        ReviewQuestion,
        fc.Arbitrary<Answer>
      >,
    )
    .map((given) => answersWith(given));
  const order = { decline: 0, clarify: 1, accept: 2 };

  it('has a reason for every question, and never gets better by a worse answer', () => {
    fc.assert(
      fc.property(
        anyAnswers,
        fc.constantFrom(...questions),
        fc.constantFrom<Answer>('no', 'unknown'),
        (answers, question, worse) => {
          const before = adviceOf(answers);
          expect(before.reasons).toHaveLength(questions.length);
          expect(new Set(before.reasons).size).toBe(questions.length);
          if (answers[question].answer !== 'yes') return;
          const after = adviceOf({ ...answers, [question]: { answer: worse, note: '' } });
          expect(order[after.advice]).toBeLessThanOrEqual(order[before.advice]);
        },
      ),
    );
  });
});
