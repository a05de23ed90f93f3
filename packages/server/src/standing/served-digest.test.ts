import { expect, test } from 'vitest';
import { type ServedSubject, servedDigestOf } from './served-digest.ts';

const subject: ServedSubject = {
  model: 'fraud',
  version: 3,
  digest: 'abc',
  settings: { replicas: 2, resources: { cpu: 0.5, memoryBytes: 2 ** 30 }, secrets: { A: 'secret://risk/a' } },
};

test('is the same for the same settings, in whatever order they stand', () => {
  const { secrets, resources, replicas } = subject.settings;
  const { cpu, memoryBytes } = resources ?? {};
  const turned = { secrets, resources: { memoryBytes, cpu }, replicas };
  expect(servedDigestOf({ ...subject, settings: turned })).toBe(servedDigestOf(subject));
});

test('is the same whether a default is spelt out or left out', () => {
  const spelt = { ...subject.settings, ownRunner: false, batching: { waitMs: 0 }, python: { threads: 1 } };
  expect(servedDigestOf({ ...subject, settings: spelt })).toBe(servedDigestOf(subject));
});

test.each<[string, Partial<ServedSubject>]>([
  ['model', { model: 'fraud2' }],
  ['version', { version: 4 }],
  ['file', { digest: 'abd' }],
  ['settings', { settings: { ...subject.settings, replicas: 3 } }],
  ['fractions of the settings', { settings: { ...subject.settings, resources: { cpu: 0.25, memoryBytes: 2 ** 30 } } }],
  ['secrets', { settings: { ...subject.settings, secrets: { A: 'secret://risk/b' } } }],
])('is another for another %s', (_what, other) => {
  expect(servedDigestOf({ ...subject, ...other })).not.toBe(servedDigestOf(subject));
});

test('is that of a released form, so that an approval still counts after an upgrade', () => {
  expect(servedDigestOf(subject)).toMatchInlineSnapshot(
    `"bf44e0747edcd28fcef122fce61c059a8f94943d5511cce3af41ce2b01f22627"`,
  );
});
