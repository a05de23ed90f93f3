import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesKeptBehind } from '../../../test-support/kept-by-garbage.ts';
import { createOpenQuestions } from './open-questions.ts';

describe('the open questions of a link', () => {
  test('are found by their number, whatever is asked and answered between, and none twice', () => {
    const steps = fc.array(fc.oneof(fc.constant('ask' as const), fc.nat(200)), { maxLength: 400 });
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 60, 0xffff_ff80), (list, first) => {
        const questions = createOpenQuestions<string>(first);
        const open = new Map<number, string>();
        let asked = 0;
        for (const step of list) {
          if (step === 'ask') {
            const number = questions.nextNumber();
            expect(open.has(number)).toBe(false);
            expect(number).toBeGreaterThan(0);
            expect(number).toBeLessThanOrEqual(0xffff_ffff);
            open.set(number, `question ${asked}`);
            questions.open(number, `question ${asked++}`);
          } else {
            const number = [...open.keys()][step] ?? step;
            expect(questions.take(number)).toBe(open.get(number));
            open.delete(number);
            expect(questions.take(number)).toBeUndefined();
          }
          expect(questions.size).toBe(open.size);
        }
        expect(questions.takeAll()).toEqual([...open.values()]);
        expect(questions.size).toBe(0);
      }),
    );
  });

  test('do not give the number of a question that was taken back to the next one', () => {
    const questions = createOpenQuestions<string>();
    const number = questions.nextNumber();
    questions.open(number, 'taken back');
    questions.take(number);
    const next = questions.nextNumber();
    questions.open(next, 'next');
    expect(questions.take(number)).toBeUndefined();
    expect(questions.take(next)).toBe('next');
  });

  test('keep nothing of what was answered', () => {
    const questions = createOpenQuestions<Uint8Array>();
    const kept = bytesKeptBehind({
      make: (bytes) => ({ number: questions.nextNumber(), bytes }),
      enter: ({ number, bytes }) => questions.open(number, bytes),
      leave: ({ number }) => questions.take(number),
    });
    expect(kept).toBeLessThan(4 * 1024 * 1024);
  });
});
