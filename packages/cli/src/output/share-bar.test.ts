import { expect, test } from 'vitest';
import { shareBar } from './share-bar.ts';
import type { Symbols } from './terminal.ts';

const symbols: Symbols = { done: '', failed: '', warning: '', ellipsis: '…', arrow: '', dot: '', spinner: [] };

test('a share is a bar with its number, and what is not nothing is never empty', () => {
  expect([100, 80, 2, 0].map((share) => shareBar(share, symbols))).toEqual([
    '██████████ 100 %',
    '████████░░  80 %',
    '█░░░░░░░░░   2 %',
    '░░░░░░░░░░   0 %',
  ]);
  expect(shareBar(30, { ...symbols, ellipsis: '...' })).toBe('###.......  30 %');
});
