import { expect, test } from 'vitest';
import { createTokenUses } from './token-uses.ts';

test('the use of a token is told at most once in five minutes, and again if the report was lost', () => {
  let now = 1000;
  const uses = createTokenUses({ now: () => now, after: () => () => undefined });
  uses.note('t1');
  uses.note('t1');
  uses.note('t2');
  const first = uses.take();
  expect(first).toEqual([
    { token: 't1', at: 1000 },
    { token: 't2', at: 1000 },
  ]);
  now += 299_999;
  uses.note('t1');
  expect(uses.take()).toEqual([]);
  uses.giveBack(first);
  expect(uses.take()).toEqual(first);
  now += 1;
  uses.note('t1');
  uses.giveBack(first);
  expect(uses.take()).toEqual([
    { token: 't1', at: 301_000 },
    { token: 't2', at: 1000 },
  ]);
});
