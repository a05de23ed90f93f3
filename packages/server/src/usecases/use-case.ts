import {
  MusterError,
  type ReviewAnswers,
  type RiskTier,
  type Someone,
  type UseCase,
  type UseCaseState,
  adviceOf,
} from '@muster-ml/protocol';
import type { Resource } from '../identity/index.ts';

/** What is written down of a use case; everything of it may be changed, and all but title and problem be left out. */
export type UseCaseText = Pick<
  UseCase,
  'title' | 'problem' | 'supports' | 'baseline' | 'metric' | 'value' | 'sponsor' | 'alternatives'
>;

/** The states that are stored. */
export type StoredState = Exclude<UseCaseState, 'live'>;

/** Something that somebody did, in milliseconds since the epoch. */
interface Act {
  readonly at: number;
  /** Id of the actor. */
  readonly by: string;
}

export interface Review extends Act {
  readonly answers: ReviewAnswers;
}

export interface UseCaseDecision extends Act {
  readonly as: 'accepted' | 'declined' | 'retired';
  readonly reason: string;
  /** Number of the entry of the ledger; null only until that is written. */
  readonly entry: number | null;
}

/**
 * A use case: why a model should exist. It is proposed, reviewed by six questions, and accepted or declined by somebody
 * who did not propose it. Declining is a normal end, and not for ever: a new review proposes it again. An accepted one
 * is `live` while an endpoint of it answers; that is found out when it is read, and not stored. In the end it is retired.
 *
 * ```
 * proposed ──accept──▶ accepted (live) ──retire──▶ retired
 *     │  ▲
 *  decline review
 *     ▼  │
 *   declined
 * ```
 */
export interface UseCaseRecord extends UseCaseText {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly state: StoredState;
  readonly riskTier: RiskTier | null;
  readonly review: Review | null;
  /** The last decision. */
  readonly decided: UseCaseDecision | null;
  readonly revision: number;
  readonly proposed: Act;
}

/** What may be done with a use case. */
export type UseCaseStep = 'update' | 'review' | 'accept' | 'decline' | 'retire';

const steps: Readonly<Record<UseCaseStep, Readonly<Partial<Record<StoredState, StoredState>>>>> = {
  update: { proposed: 'proposed', accepted: 'accepted' },
  review: { proposed: 'proposed', declined: 'proposed' },
  accept: { proposed: 'accepted' },
  decline: { proposed: 'declined' },
  retire: { accepted: 'retired' },
};

/** The state after a step. Throws `usecase_state` where it cannot be done now, `usecase_not_reviewed`. Pure. */
export function stateAfter(step: UseCaseStep, useCase: Pick<UseCaseRecord, 'name' | 'state' | 'review'>): StoredState {
  const { name, state, review } = useCase;
  const next = steps[step][state];
  if (next === undefined)
    throw new MusterError('usecase_state', `${name} is ${state}, and only ${possible(step)} may be ${done[step]}`, {
      details: { state },
      ...remedyFor(step, state, name),
    });
  if (step === 'accept' && review === null)
    throw new MusterError('usecase_not_reviewed', `${name} was not reviewed as it is now`, {
      remedy: `Answer the questions first: muster usecase review ${name}.`,
    });
  return next;
}

const done: Readonly<Record<UseCaseStep, string>> = {
  update: 'changed',
  review: 'reviewed',
  accept: 'accepted',
  decline: 'declined',
  retire: 'retired',
};

function possible(step: UseCaseStep): string {
  return Object.keys(steps[step])
    .map((state) => (state === 'accepted' ? 'an accepted one' : `a ${state} one`))
    .join(' or ');
}

function remedyFor(step: UseCaseStep, state: StoredState, name: string): { readonly remedy?: string } {
  if (state === 'declined') return { remedy: `Propose it again with a new review: muster usecase review ${name}.` };
  if (state === 'retired') return { remedy: 'Propose a new one: muster usecase propose.' };
  if (step === 'retire') return { remedy: `Decline it instead: muster usecase decline ${name} --reason TEXT.` };
  if (step === 'decline') return { remedy: `End it instead: muster usecase retire ${name} --reason TEXT.` };
  return {};
}

/** What a change of the text makes of it: a review is of what was written then, and is void once that is another. Pure. */
export function withText(before: UseCaseRecord, text: Partial<UseCaseText>): UseCaseRecord {
  const state = stateAfter('update', before);
  const changed = changedFields(before, text);
  if (changed.length === 0) return before;
  const isVoid = state === 'proposed' && changed.some((field) => reviewedFields.has(field));
  return { ...before, ...text, review: isVoid ? null : before.review, revision: before.revision + 1 };
}

/** Title and sponsor are no part of what the review asks about. */
const reviewedFields: ReadonlySet<keyof UseCaseText> = new Set([
  'problem',
  'supports',
  'baseline',
  'metric',
  'value',
  'alternatives',
]);

/** The fields that a change makes different. */
export function changedFields(before: UseCaseText, text: Partial<UseCaseText>): readonly (keyof UseCaseText)[] {
  return (Object.keys(text) as (keyof UseCaseText)[]).filter(
    (field) => text[field] !== undefined && JSON.stringify(before[field]) !== JSON.stringify(text[field]),
  );
}

/** What is shown beside the record itself. */
export interface Surrounding {
  /** Whether an endpoint of it answers. */
  readonly isLive: boolean;
  /** Those that the caller may see. */
  readonly endpoints: readonly string[];
  /** Names of actors by id. */
  readonly names: ReadonlyMap<string, string>;
}

/** The state as people see it. */
export function shownState(state: StoredState, isLive: boolean): UseCaseState {
  return state === 'accepted' && isLive ? 'live' : state;
}

export function renderUseCase(useCase: UseCaseRecord, { isLive, endpoints, names }: Surrounding): UseCase {
  const { id: _id, state, proposed, review, decided, ...rest } = useCase;
  const act = ({ by, at }: Act): { by: Someone; at: string } => ({
    by: { id: by, name: names.get(by) ?? null },
    at: new Date(at).toISOString(),
  });
  return {
    ...rest,
    state: shownState(state, isLive),
    proposed: act(proposed),
    review: review === null ? null : { answers: review.answers, ...adviceOf(review.answers), ...act(review) },
    decided:
      decided === null || decided.entry === null
        ? null
        : { as: decided.as, reason: decided.reason, entry: decided.entry, ...act(decided) },
    endpoints: [...endpoints],
  };
}

/**
 * What an action on a use case is about: one that may not be seen is as one that does not exist. Who asked for it is who
 * proposed it, and who proposed it again after it was declined.
 */
export function useCaseResource(useCase: UseCaseRecord): Resource {
  const { name, team, state, proposed, review, decided } = useCase;
  const again = state === 'proposed' && decided !== null && review !== null ? [review.by] : [];
  return {
    kind: 'usecase',
    id: name,
    team,
    owner: proposed.by,
    requesters: [proposed.by, ...again],
    missing: () => useCaseNotFound(name),
  };
}

/** The error of a use case that does not exist, and alike of one that the caller may not see. */
export function useCaseNotFound(name: string, place?: string): MusterError {
  return new MusterError('usecase_not_found', `there is no use case ${name}`, place === undefined ? {} : { place });
}
