import type { Symbols } from './terminal.ts';

const width = 10;

/** A share as a bar with its number: `████████░░ 80 %`. What is not nothing is never an empty bar. */
export function shareBar(sharePercent: number, symbols: Symbols): string {
  const rounded = Math.round((sharePercent / 100) * width);
  const filled = Math.min(width, sharePercent > 0 ? Math.max(1, rounded) : 0);
  const [full, empty] = symbols.ellipsis === '…' ? ['█', '░'] : ['#', '.'];
  return `${full.repeat(filled)}${empty.repeat(width - filled)} ${`${sharePercent} %`.padStart(5)}`;
}
