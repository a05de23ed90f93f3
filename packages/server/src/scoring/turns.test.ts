import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

const never = new AbortController().signal;

test('as many run as may, the others in the order in which they came', async () => {
  const turns = createTurns(1);
  const order: number[] = [];
  const giveBack = await turns.take(never);
  const others = [1, 2].map(async (number) => {
    const done = await turns.take(never);
    order.push(number);
    done();
  });
  expect(order).toEqual([]);
  giveBack();
  await Promise.all(others);
  expect(order).toEqual([1, 2]);
});

test('who gives up while waiting leaves the line', async () => {
  const turns = createTurns(1);
  const giveBack = await turns.take(never);
  const impatient = new AbortController();
  const left = turns.take(impatient.signal);
  const next = turns.take(never);
  impatient.abort(new Error('enough'));
  await expect(left).rejects.toThrow('enough');
  giveBack();
  await expect(next).resolves.toBeTypeOf('function');
});

test('who gives up at the moment of their turn pushes nobody out of the line', async () => {
  const turns = createTurns(1);
  const giveBack = await turns.take(never);
  const late = new AbortController();
  const given = turns.take(late.signal);
  const next = turns.take(never);
  giveBack();
  late.abort(new Error('too late'));
  (await given)();
  await expect(next).resolves.toBeTypeOf('function');
});

test('a turn is given back once, however often that is said', async () => {
  const turns = createTurns(1);
  const giveBack = await turns.take(never);
  giveBack();
  giveBack();
  await turns.take(never);
  let isSecondIn = false;
  void turns.take(never).then(() => (isSecondIn = true));
  await Promise.resolve();
  expect(isSecondIn).toBe(false);
});
