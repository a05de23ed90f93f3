import type { Check } from '../check.ts';
import type { ReviewFacts } from '../facts.ts';
import { endpointName } from './names.ts';

export const r19: Check = {
  id: 'R19',
  title: 'Somebody else reviewed it',
  why: 'Whoever made something does not see what they overlooked.',
  level: 'silver',
  evidence: 'people who neither made the version nor asked for its production approved exactly what is there now',
  collected: 'person',
  fresh: { kind: 'version' },
  appliesTo: ['served', 'observed'],
  waivable: false,
  remedy: 'muster submit ENDPOINT',

  judge(facts) {
    const { review, subjectDigest } = facts;
    const submit = `muster submit ${endpointName(facts)}`;
    if (facts.endpoint === null) return { state: 'unknown', summary: 'there is no endpoint yet to review' };
    if (review === null) return { state: 'missing', summary: 'nobody was asked to review it', remedy: submit };
    if (review.subjectDigest !== subjectDigest)
      return {
        state: 'stale',
        summary: 'what was reviewed is not what is there now: version, serving, use case, objective or rubric changed',
        remedy: submit,
      };
    const approvals = distinctApprovals(review);
    // Asking for no approver would be no review.
    const needed = Math.max(1, review.approvalsNeeded);
    const [first] = approvals;
    if (first === undefined || approvals.length < needed)
      return {
        state: 'missing',
        summary: `${approvals.length} of ${needed} ${needed === 1 ? 'approval' : 'approvals'} by somebody who did not make it`,
        remedy: `muster approve ${review.submission} --reason TEXT`,
      };
    return {
      state: 'passed',
      summary: `approved by ${approvals.length === 1 ? 'somebody' : `${approvals.length} people`} who did not make it`,
      at: Math.max(...approvals.map(({ at }) => at)),
      evidence: review.submission,
    };
  },
};

/** One a person, and none of an author. */
function distinctApprovals({ approvals, authors }: ReviewFacts): ReviewFacts['approvals'] {
  const byPerson = new Map(approvals.map((approval) => [approval.by, approval]));
  return [...byPerson.values()].filter(({ by }) => !authors.includes(by));
}
