import { describe, expect, test } from 'vitest';
import { bare, dayMs, now, sound } from '../../../test-support/sound-facts.ts';
import type { ModelFacts } from '../../management/models.ts';
import type { PythonFacts } from '../../management/python.ts';
import type { Facts, OwnerFacts, UseCaseFacts, VersionFacts } from '../facts.ts';
import { r01 } from './r01-owner.ts';
import { r02 } from './r02-use-case.ts';
import { r05 } from './r05-artifact-safe.ts';
import { r06 } from './r06-signature-and-sample.ts';
import { r07 } from './r07-sample-reproduced.ts';

const owned = (given: Partial<OwnerFacts>): Facts => ({ ...sound, owner: { ...part('owner'), ...given } });
const used = (given: Partial<UseCaseFacts>): Facts => ({ ...sound, useCase: { ...part('useCase'), ...given } });
const made = (given: Partial<VersionFacts>, of: Facts = sound): Facts => ({
  ...of,
  version: { ...part('version'), ...given },
});

function part<Name extends 'owner' | 'useCase' | 'version' | 'deployment'>(name: Name): NonNullable<Facts[Name]> {
  const found = sound[name];
  if (found === null) throw new Error(`there is a ${name}`);
  return found;
}

describe('R01, the owner', () => {
  test('passes while a person who is here answers for it, and says until when', () => {
    expect(r01.judge(sound)).toEqual({
      state: 'passed',
      summary: 'ana owns it',
      at: now - dayMs,
      until: now + 179 * dayMs,
    });
  });

  test.each([
    ['failed', owned({ isPerson: false }), /service account/],
    ['failed', owned({ isActive: false }), /is disabled/],
    ['failed', owned({ isMember: false }), /holds no role in risk/],
    ['stale', owned({ seenAt: null }), /not here for 180 days/],
    ['stale', owned({ seenAt: now - 180 * dayMs }), /not here for 180 days/],
    ['missing', { ...sound, owner: null }, /nobody owns it/],
  ] as const)('is %s otherwise, and says how to name another', (state, facts, summary) => {
    const remedy = 'muster endpoint update fraud --owner NAME';
    const outcome = r01.judge(facts);
    expect(outcome).toMatchObject({ state, remedy });
    expect(outcome.summary).toMatch(summary);
  });

  test('is not known of a file', () => expect(r01.judge(bare).state).toBe('unknown'));
});

describe('R02, the use case', () => {
  test.each(['accepted', 'live'] as const)('passes while it is %s', (state) => {
    expect(r02.judge(used({ state }))).toEqual({
      state: 'passed',
      summary: 'card-fraud is accepted, at limited risk',
      at: now - 30 * dayMs,
    });
  });

  test('asks for the review of one that is not decided', () => {
    expect(r02.judge(used({ state: 'proposed' }))).toMatchObject({
      state: 'missing',
      remedy: 'muster usecase review card-fraud',
    });
  });

  test.each(['declined', 'retired'] as const)('fails with one that is %s', (state) => {
    const outcome = r02.judge(used({ state }));
    expect(outcome).toMatchObject({ state: 'failed', remedy: 'muster endpoint update fraud --use-case NAME' });
    expect(outcome.summary).toContain(state);
  });

  test('is missing without one, and not known of a file', () => {
    expect(r02.judge({ ...sound, useCase: null })).toMatchObject({
      state: 'missing',
      remedy: 'muster endpoint update fraud --use-case NAME',
    });
    expect(r02.judge(bare).state).toBe('unknown');
  });
});

const pickle = (dangers: PythonFacts['dangers']): ModelFacts => ({
  format: 'pickle',
  sizeBytes: 1,
  producer: 'scikit-learn 1.5.2',
  modelClass: '',
  modules: [],
  dangers,
  environment: { python: '3.12', requirements: [] },
  isTable: false,
  adaptations: [],
});

describe('R05, the file', () => {
  test('passes as ONNX, which runs no code', () => expect(r05.judge(sound).state).toBe('passed'));

  test('passes as a pickle in which nothing dangerous was found', () => {
    expect(r05.judge(made({ facts: pickle([]) })).state).toBe('passed');
  });

  test('fails with what it would do, by name, and asks for another file', () => {
    const facts = made({ facts: pickle([{ severity: 'dangerous', what: 'posix.system' }]) });
    expect(r05.judge(facts)).toMatchObject({
      state: 'failed',
      summary: 'churn:2 (pickle) holds what is dangerous to load: posix.system',
      remedy: 'muster deploy SAFE-FILE --name fraud',
    });
    expect(r05.judge({ ...facts, endpoint: null }).remedy).toBe('muster model push SAFE-FILE --name churn');
  });

  test('names a few of many', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((what) => ({ severity: 'dangerous' as const, what }));
    expect(r05.judge(made({ facts: pickle(many) })).summary).toMatch(/: a, b, c and 2 more$/);
  });

  test('passes with a word where something is suspicious, or the file carries its own code', () => {
    for (const danger of [
      { severity: 'suspicious', what: 'functools.partial' },
      { severity: 'dangerous', what: 'cloudpickle.cloudpickle._make_function' },
    ] as const) {
      const outcome = r05.judge(made({ facts: pickle([danger]) }));
      expect(outcome.state).toBe('passed');
      expect(outcome.summary).toContain(`worth a look: ${danger.what}`);
    }
  });

  test('is not known before there is a version', () => {
    expect(r05.judge({ ...sound, version: null }).state).toBe('unknown');
  });
});

describe('R06, signature and sample', () => {
  test('passes with both', () => expect(r06.judge(sound).state).toBe('passed'));

  test.each([
    [{ hasSample: false }, 'churn:2 has no sample'],
    [{ hasSignature: false }, 'churn:2 has no signature'],
    [{ hasSample: false, hasSignature: false }, 'churn:2 has no signature and no sample'],
  ])('is missing where one is', (given, summary) => {
    expect(r06.judge(made(given))).toMatchObject({
      state: 'missing',
      summary,
      remedy: 'muster deploy FILE --name fraud --sample rows.csv',
    });
  });

  test('quotes the name of a model that a shell would take apart', () => {
    const facts = made({ hasSample: false, model: "Ana's model", number: null }, bare);
    expect(r06.judge(facts).remedy).toBe(`muster model push FILE --name 'Ana'\\''s model' --sample rows.csv`);
  });

  test('is not known before there is a version', () => {
    expect(r06.judge({ ...sound, version: null }).state).toBe('unknown');
  });
});

describe('R07, the sample here', () => {
  test('passes once every replica gave its answers', () => {
    expect(r07.judge(sound)).toMatchObject({ state: 'passed', at: now - dayMs });
  });

  test('is missing without a sample, whether it is deployed or not', () => {
    const remedy = 'muster deploy FILE --name fraud --sample rows.csv';
    expect(r07.judge(made({ hasSample: false }))).toMatchObject({ state: 'missing', remedy });
  });

  test('fails with the problem of the deployment', () => {
    const problem = { code: 'sample_differs', detail: 'row 2 of label is 1 instead of 0' };
    const facts = { ...sound, deployment: { ...part('deployment'), isReady: false, problem } };
    const outcome = r07.judge(facts);
    expect(outcome).toMatchObject({ state: 'failed', remedy: 'muster deploy FILE --name fraud --sample rows.csv' });
    expect(outcome.summary).toContain('row 2 of label is 1 instead of 0');
    const other = { ...facts, deployment: { ...facts.deployment, problem: { code: 'load_failed', detail: 'no' } } };
    expect(r07.judge(other)).toMatchObject({ state: 'failed', remedy: 'muster endpoint logs fraud' });
  });

  test('is missing while a replica has not given them yet', () => {
    const facts = { ...sound, deployment: { ...part('deployment'), sampleProvenAt: null } };
    expect(r07.judge(facts)).toMatchObject({ state: 'missing', remedy: 'muster endpoint restart fraud' });
  });

  test('is not known before it is deployed', () => {
    expect(r07.judge({ ...sound, deployment: null })).toMatchObject({
      state: 'unknown',
      remedy: 'muster deploy churn:2 --name fraud',
    });
    expect(r07.judge({ ...bare, version: null }).state).toBe('unknown');
  });
});
