import { expect, test } from 'vitest';
import { notificationOf } from './notification.ts';

const made = { id: 'n1', at: 1 };

test('a title is one line, and neither it nor the text can steer a terminal', () => {
  const { title, text } = notificationOf(
    { event: 'test', team: null, title: 'one\r\ntwo\u001b[2J\u2028three ', text: 'a\r\nb\tc\u001b[2Jd' },
    made,
  );
  expect(title).toBe('one two [2J three');
  expect(text).toBe('a\nb\tc [2Jd');
});

test('what is long is cut, never within a character', () => {
  const { title, text } = notificationOf(
    { event: 'test', team: 'a', title: '😀'.repeat(300), text: 'x'.repeat(9000) },
    made,
  );
  expect(title).toBe(`${'😀'.repeat(99)}…`);
  expect(text).toHaveLength(4000);
});
