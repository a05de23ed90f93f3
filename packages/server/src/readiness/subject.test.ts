import { type Facts, dayMs, judge, servingSettingsSchema } from '@muster-ml/protocol';
import { describe, expect, it } from 'vitest';
import { sound } from '../../test-support/sound-facts.ts';
import { evidenceDigestOf, servedDigestOfObserved, subjectOf } from './subject.ts';

const of: Parameters<typeof subjectOf>[0] = {
  served: { model: 'fraud', version: 3, digest: 'abc', settings: servingSettingsSchema.parse({}) },
  useCase: { name: 'card-fraud', riskTier: 'limited' },
  objective: { latencyMs: 0.5, percentile: 95, errorPercent: 1, requestsPerSecond: 20 },
};
const digestOf = (more: Partial<typeof of>): string | undefined => subjectOf({ ...of, ...more })?.subjectDigest;

describe('the subject of an approval', () => {
  it('is what is served, how, what for, and what is promised', () => {
    const served = { ...of.served, settings: servingSettingsSchema.parse({ replicas: 2 }) } as typeof of.served;
    const others = [
      digestOf({}),
      digestOf({ served }),
      digestOf({ useCase: null }),
      digestOf({ useCase: { name: 'card-fraud', riskTier: 'high' } }),
      digestOf({ useCase: { name: 'other', riskTier: 'limited' } }),
      digestOf({ objective: null }),
      digestOf({ objective: { latencyMs: 1.5, percentile: 95, errorPercent: 1, requestsPerSecond: 20 } }),
    ];
    expect(new Set(others).size).toBe(others.length);
    expect(digestOf({})).toBe(digestOf({}));
  });

  it('is nothing where nothing is served', () => expect(subjectOf({ ...of, served: null })).toBeNull());

  it('is what something else is said to serve, whose versions have no numbers', () => {
    const observed = { platform: 'kserve', model: 'm', version: '7' };
    const subject = subjectOf({ ...of, served: servedDigestOfObserved('far', observed) });
    expect(subject).toMatchObject({ model: 'm', version: 0 });
    const next = servedDigestOfObserved('far', { ...observed, version: '8' });
    expect(subjectOf({ ...of, served: next })?.subjectDigest).not.toBe(subject?.subjectDigest);
    expect(servedDigestOfObserved('far', { ...observed, model: null }).model).toBe('far');
  });
});

describe('what an approver sees', () => {
  const seen = (facts: Partial<Facts>): string => evidenceDigestOf(judge({ ...sound, ...facts }));

  it('stays the same as time goes by, and as others approve', () => {
    expect(seen({ now: sound.now + dayMs })).toBe(seen({}));
    expect(seen({ review: null })).toBe(seen({}));
  });

  it.each<[string, Partial<Facts>]>([
    ['a check fails', { owner: null }],
    ['evidence is renewed', { evidence: sound.evidence.map((one) => ({ ...one, id: 'new' })) }],
    ['evidence is too old', { now: sound.now + 100 * dayMs }],
    [
      'a waiver counts',
      { owner: null, waivers: [{ id: 'w1', check: 'R20', reason: 'x', until: sound.now + 1 }], evidence: [] },
    ],
  ])('is another when %s', (_what, facts) => expect(seen(facts)).not.toBe(seen({})));
});
