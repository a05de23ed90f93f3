import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answers, proposal } from '../../test-support/use-cases-room.ts';
import {
  type StoredState,
  type UseCaseRecord,
  type UseCaseStep,
  changedFields,
  shownState,
  stateAfter,
  useCaseResource,
  withText,
} from './use-case.ts';

const review = { answers: answers(), at: 2, by: 'dan' };
const declined = { as: 'declined', reason: 'not now, sorry', at: 3, by: 'olga', entry: 7 } as const;

function useCaseWith(more: Partial<UseCaseRecord> = {}): UseCaseRecord {
  const proposed = { at: 1, by: 'ana' };
  const rest = { riskTier: null, review: null, decided: null, revision: 1 };
  return { ...proposal('fraud-alerts'), id: 'u1', state: 'proposed', ...rest, proposed, ...more };
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
}

const allSteps: readonly UseCaseStep[] = ['update', 'review', 'accept', 'decline', 'retire'];
const states: readonly StoredState[] = ['proposed', 'accepted', 'declined', 'retired'];

describe('the states of a use case', () => {
  it('are these and no others', () => {
    const table = Object.fromEntries(
      states.map((state) => [
        state,
        Object.fromEntries(
          allSteps.flatMap((step) => {
            const useCase = useCaseWith({ state, review });
            return codeOf(() => stateAfter(step, useCase)) === undefined ? [[step, stateAfter(step, useCase)]] : [];
          }),
        ),
      ]),
    );
    expect(table).toEqual({
      proposed: { update: 'proposed', review: 'proposed', accept: 'accepted', decline: 'declined' },
      accepted: { update: 'accepted', retire: 'retired' },
      declined: { review: 'proposed' },
      retired: {},
    });
  });

  it('refuse other steps with the state, and with what could be done instead', () => {
    const retire = (state: StoredState) => () => stateAfter('retire', useCaseWith({ state }));
    expect(retire('proposed')).toThrow('fraud-alerts is proposed, and only an accepted one may be retired');
    expect(retire('proposed')).toThrow(
      expect.objectContaining({ code: 'usecase_state', remedy: expect.stringContaining('usecase decline') as unknown }),
    );
    expect(retire('declined')).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('usecase review') as unknown }),
    );
  });

  it('need a review before one is accepted, and none before one is declined', () => {
    expect(codeOf(() => stateAfter('accept', useCaseWith()))).toBe('usecase_not_reviewed');
    expect(stateAfter('decline', useCaseWith())).toBe('declined');
  });

  it('show an accepted one as live while an endpoint of it answers, and no other', () => {
    expect(states.map((state) => shownState(state, true))).toEqual(['proposed', 'live', 'declined', 'retired']);
    expect(shownState('accepted', false)).toBe('accepted');
  });

  it('never lead to an accepted one that was not reviewed as it is, whatever is done in whatever order', () => {
    const step = fc.constantFrom(...allSteps, 'other problem' as const, 'other title' as const);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (done) => {
        let useCase = useCaseWith();
        let reviewedProblem: string | undefined;
        done.forEach((one, index) => {
          try {
            if (one === 'other problem') useCase = withText(useCase, { problem: `problem ${index}` });
            else if (one === 'other title') useCase = withText(useCase, { title: `title ${index}` });
            else if (one === 'update') useCase = withText(useCase, {});
            else {
              const state = stateAfter(one, useCase);
              if (one === 'accept') expect(reviewedProblem).toBe(useCase.problem);
              if (one === 'review') reviewedProblem = useCase.problem;
              useCase = { ...useCase, state, review: one === 'review' ? review : useCase.review };
            }
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/^usecase_/) as unknown });
          }
        });
      }),
    );
  });
});

describe('a change of what it says', () => {
  it('makes the review void where the review was about that, while it is proposed', () => {
    expect(withText(useCaseWith({ review }), { problem: 'another' })).toMatchObject({ review: null, revision: 2 });
    expect(withText(useCaseWith({ review }), { title: 'another', sponsor: 'sam' })).toMatchObject({ review });
    expect(withText(useCaseWith({ review, state: 'accepted' }), { problem: 'another' })).toMatchObject({
      state: 'accepted',
      review,
      problem: 'another',
    });
  });

  it('that changes nothing is none', () => {
    const before = useCaseWith({ review, metric: { name: 'found', unit: '%', target: 0.8, targetKnownBy: null } });
    const same = { problem: before.problem, metric: before.metric };
    expect(withText(before, same)).toBe(before);
    expect(changedFields(before, { ...same, sponsor: 'sam' })).toEqual(['sponsor']);
  });
});

describe('who asked for a use case', () => {
  it('is who proposed it, and who proposed it again after it was declined', () => {
    expect(useCaseResource(useCaseWith({ review })).requesters).toEqual(['ana']);
    expect(useCaseResource(useCaseWith({ review, decided: declined })).requesters).toEqual(['ana', 'dan']);
  });
});
