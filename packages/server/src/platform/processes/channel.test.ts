import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, channelPair, failuresAfter } from './index.ts';

test('subjects do not mix, and messages keep their order', async () => {
  const { parent, child } = channelPair();
  const heard: string[] = [];
  child.topic<string, never>('a').on((message) => heard.push(`a ${message}`));
  child.topic<string, never>('b').on((message) => heard.push(`b ${message}`));
  parent.topic<never, string>('a').send('1');
  parent.topic<never, string>('b').send('2');
  parent.topic<never, string>('a').send('3');
  await Promise.resolve();
  expect(heard).toEqual(['a 1', 'b 2', 'a 3']);
});

test('a closed channel tells both sides once, also one that listens too late, and drops what is sent', async () => {
  const { parent, child, close } = channelPair();
  const heard: string[] = [];
  child.topic<string, never>('a').on((message) => heard.push(message));
  child.onClose(() => heard.push('closed'));
  close();
  close();
  parent.topic<never, string>('a').send('late');
  await Promise.resolve();
  child.onClose(() => heard.push('closed already'));
  expect(heard).toEqual(['closed', 'closed already']);
});

test('pauses grow from the first to the most and never beyond; a healthy life starts anew', () => {
  const rule = { firstMs: 50, mostMs: 10_000, healthyMs: 30_000 };
  expect([1, 2, 3, 4].map((failures) => backoffMs(rule, failures))).toEqual([50, 100, 200, 400]);
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (failures, livedMs) => {
      const next = failuresAfter(rule, failures, livedMs);
      expect(next).toBe(livedMs >= 30_000 ? 1 : failures + 1);
      expect(backoffMs(rule, next)).toBeGreaterThanOrEqual(50);
      expect(backoffMs(rule, next)).toBeLessThanOrEqual(10_000);
    }),
  );
});
