import { expect, test } from 'vitest';
import { createUserPool } from './user-pool.ts';

test('nobody gets a user that somebody has, and one that was given back is used again', () => {
  const users = createUserPool(61_184);
  expect([users.take(), users.take(), users.take()]).toEqual([61_184, 61_185, 61_186]);
  users.giveBack(61_185);
  expect([users.take(), users.take()]).toEqual([61_185, 61_187]);
});

test('where there are no users to give, all run as our own', () => {
  const users = createUserPool(null);
  expect([users.take(), users.take()]).toEqual([null, null]);
  users.giveBack(null);
});
