import { describe, expect, it } from 'vitest';
import type { StandingChange } from './contract.ts';
import { noticeOf } from './notices.ts';

const change: StandingChange = {
  endpoint: { id: 'e1', name: 'fraud', team: 'risk' },
  what: 'granted',
  reasons: ['why'],
  model: 'card',
  version: 3,
  actor: { kind: 'system', id: 'readiness' },
  action: 'system.standing.granted',
  request: 'r1',
  at: 1,
  ctx: {},
};

describe('people are told', () => {
  it.each([
    ['granted', 'standing.granted', 'fraud (card:3) is in production'],
    ['lapsed', 'standing.lapsed', 'fraud (card:3) is no longer in production'],
    ['restored', 'standing.restored', 'fraud (card:3) is in production again'],
    ['approved', 'submission.decided', 'The submission of fraud (card:3) is approved'],
    ['rejected', 'submission.decided', 'The submission of fraud (card:3) is rejected'],
    ['void', 'submission.decided', 'The submission of fraud (card:3) is void'],
  ] as const)('of what was %s', (what, event, title) => {
    expect(noticeOf({ ...change, what })).toMatchObject({ event, title, team: 'risk', endpoint: 'fraud' });
  });

  it('that they go on being answered, and what closes the gaps', () => {
    expect(noticeOf({ ...change, what: 'lapsed' })?.text).toMatch(/goes on answering.*muster check fraud/s);
  });

  it('of what waits, while somebody has to approve it', () => {
    const submitted = { ...change, what: 'submitted' } as const;
    expect(noticeOf(submitted)).toBeUndefined();
    expect(noticeOf({ ...submitted, approvalsLeft: 2 })).toMatchObject({ event: 'submission.waiting' });
    expect(noticeOf({ ...change, what: 'approved', approvalsLeft: 1 })).toMatchObject({
      event: 'submission.waiting',
      title: 'fraud (card:3) is approved by one, and needs 1 more',
    });
  });

  it('without a number where something else serves it', () => {
    expect(noticeOf({ ...change, version: 0 })?.title).toBe('fraud (card) is in production');
    expect(noticeOf({ ...change, model: null })?.title).toBe('fraud is in production');
  });
});
