import { checks } from '@muster-ml/protocol';
import { expect, test } from 'vitest';
import { figuresOf, refuseUnattested } from './attest.ts';

const attested = (kind: 'served' | 'observed'): string[] =>
  checks.flatMap((check) => {
    try {
      refuseUnattested(check, { kind, name: 'fraud' });
      return [check.id];
    } catch (error) {
      expect(error).toMatchObject({ code: 'check_not_attested' });
      return [];
    }
  });

test('where Muster serves it, people sign only for what nothing else can find out', () => {
  expect(attested('served')).toEqual(['R29']);
});

test('where something else serves it, people sign for what Muster cannot see', () => {
  expect(attested('observed')).toEqual(['R05', 'R06', 'R07', 'R20', 'R21', 'R22', 'R29', 'R31']);
});

test('a refusal says how to get it', () => {
  const r20 = checks.find(({ id }) => id === 'R20');
  expect(() => r20 && refuseUnattested(r20, { kind: 'served', name: 'fraud' })).toThrow(
    expect.objectContaining({ remedy: 'Get it: muster drill load fraud' }),
  );
});

test('a runbook is signed for by its address, which is that of now', () => {
  const endpoint = { name: 'fraud', runbook: 'https://wiki.example.org/fraud' };
  expect(figuresOf({ id: 'R29' }, endpoint, {})).toEqual({ runbook: endpoint.runbook });
  expect(figuresOf({ id: 'R29' }, endpoint, { pages: 3, runbook: endpoint.runbook })).toMatchObject({ pages: 3 });
  expect(() => figuresOf({ id: 'R29' }, endpoint, { runbook: 'https://wiki.example.org/old' })).toThrow(
    expect.objectContaining({ code: 'invalid_request', place: 'body.figures.runbook' }),
  );
  expect(() => figuresOf({ id: 'R29' }, { name: 'fraud', runbook: null }, {})).toThrow(
    expect.objectContaining({
      code: 'check_not_attested',
      remedy: 'Name it first: muster endpoint update fraud --runbook URL',
    }),
  );
});
