import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type DenialsOptions, createDenials } from './denials.ts';

const minute = 60_000;
let now = 100 * minute;
const clock = { now: () => now, after: () => () => undefined };
const ann = { actor: 'ann', tokenId: 't1' };
const bot = { actor: 'bot', tokenId: 't2' };

beforeEach(() => {
  now = 100 * minute;
});

function aDenials(limits: Partial<DenialsOptions> = {}): ReturnType<typeof createDenials> {
  return createDenials({ clock, ...limits });
}

describe('refusals', () => {
  test('are folded by actor, token, action, object and minute, and told once the minute is over', () => {
    const denials = aDenials();
    for (let turn = 0; turn < 3; turn += 1) denials.note(ann, 'endpoint.predict', 'churn');
    denials.note(ann, 'endpoint.predict', 'ranking');
    denials.note(ann, 'endpoint.read', 'churn');
    denials.note({ actor: 'ann', tokenId: 't3' }, 'endpoint.predict', 'churn');
    denials.note(bot, 'endpoint.predict', 'churn');
    expect(denials.take()).toEqual({ denials: [], unknownTokens: [] });
    now += minute;
    denials.note(ann, 'endpoint.predict', 'churn');
    const first = { actor: 'ann', token: 't1', action: 'endpoint.predict', object: 'churn', minute: 100 * minute };
    expect(denials.take().denials).toEqual([
      { ...first, count: 3 },
      { ...first, object: 'ranking', count: 1 },
      { ...first, action: 'endpoint.read', count: 1 },
      { ...first, token: 't3', count: 1 },
      { ...first, actor: 'bot', token: 't2', count: 1 },
    ]);
    expect(denials.take().denials).toEqual([]);
    now += minute;
    expect(denials.take().denials).toEqual([{ ...first, minute: 101 * minute, count: 1 }]);
  });

  test('that were not told are counted on', () => {
    const denials = aDenials();
    denials.note(ann, 'endpoint.predict', 'churn');
    denials.noteUnknown('203.0.113.0/24');
    now += minute;
    const lost = denials.take();
    denials.giveBack(lost);
    denials.giveBack(lost);
    expect(denials.take()).toEqual({
      denials: [expect.objectContaining({ object: 'churn', minute: 100 * minute, count: 2 })],
      unknownTokens: [{ source: '203.0.113.0/24', minute: 100 * minute, count: 2 }],
    });
  });

  test('never carry what a caller wrote in place of a name: it may be a token', () => {
    const denials = aDenials();
    for (const object of [`mstp_${'a'.repeat(49)}`, 'Ann Other', 'a b', '', '../x', 'a'.repeat(81), 'churn\n'])
      denials.note(ann, 'endpoint.predict', object);
    denials.note(ann, 'endpoint.predict', 'endpoint:churn-2');
    now += minute;
    expect(denials.take().denials.map(({ object, count }) => [object, count])).toEqual([
      ['?', 7],
      ['endpoint:churn-2', 1],
    ]);
  });

  test('beyond the bound lose their object first, and then the oldest goes', () => {
    const denials = aDenials({ maxKeys: 3 });
    for (const object of ['a', 'b', 'c', 'd', 'e']) denials.note(ann, 'endpoint.predict', object);
    denials.note(bot, 'endpoint.predict', 'a');
    now += minute;
    expect(denials.take().denials.map(({ actor, object, count }) => [actor, object, count])).toEqual([
      ['ann', 'c', 1],
      ['ann', '*', 2],
      ['bot', '*', 1],
    ]);
  });

  test('are all told, each once, while the bound is not reached', () => {
    const names = fc.constantFrom('a', 'b', 'c');
    const step = fc.record({ object: names, passMs: fc.nat(40_000), isTaken: fc.boolean(), isLost: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        now = 100 * minute;
        const denials = aDenials();
        let told = 0;
        for (const { object, passMs, isTaken, isLost } of steps) {
          denials.note(ann, 'endpoint.predict', object);
          now += passMs;
          if (!isTaken) continue;
          const taken = denials.take();
          if (isLost) denials.giveBack(taken);
          else for (const { count } of taken.denials) told += count;
        }
        now += minute;
        for (const { count } of denials.take().denials) told += count;
        expect(told).toBe(steps.length);
      }),
    );
  });
});

test('unknown tokens are counted by network, a bounded number of them', () => {
  const denials = aDenials({ maxSources: 10 });
  for (let source = 0; source < 10_000; source += 1) denials.noteUnknown(`203.${source >> 8}.${source & 255}.0/24`);
  now += minute;
  const { unknownTokens } = denials.take();
  expect(unknownTokens.length).toBeLessThanOrEqual(10);
  expect(unknownTokens.at(-1)).toEqual({ source: '*', minute: 100 * minute, count: 9990 });
});
