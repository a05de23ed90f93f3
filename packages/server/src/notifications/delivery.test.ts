import { expect, test } from 'vitest';
import { type DeliveryRecord, afterAttempt, retryDelaysMs } from './delivery.ts';

const waiting: DeliveryRecord = {
  notification: 'n1',
  channel: 'mail',
  state: 'waiting',
  attempts: 1,
  nextAt: 0,
  problem: null,
  deliveredAt: null,
};
const failed = { ok: false, problem: 'it answered 500' } as const;

test('what fails is tried again, ever later, and given up after the last time', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((attempts) => {
    const { state, nextAt } = afterAttempt({ ...waiting, attempts }, failed, 1000);
    return state === 'waiting' ? nextAt - 1000 : state;
  });
  expect(waits).toEqual([...retryDelaysMs, 'given up']);
});

test('what nobody wants any more is given up at once', () => {
  expect(afterAttempt(waiting, { ...failed, final: true }, 1)).toMatchObject({
    state: 'given up',
    problem: 'it answered 500',
  });
});

test('what arrived keeps no problem of an earlier attempt, but its own', () => {
  const before = { ...waiting, problem: 'it answered 500' };
  expect(afterAttempt(before, { ok: true }, 5)).toMatchObject({ state: 'delivered', problem: null, deliveredAt: 5 });
  expect(afterAttempt(before, { ok: true, problem: 'one was refused' }, 5).problem).toBe('one was refused');
});
