import type { Terminal } from './terminal.ts';
import { safeText, textWidth } from './text-width.ts';

/** Prints what is known about one thing, a fact a line; facts without a value are left out. Long ones wrap under themselves. */
export function showFacts(
  terminal: Terminal,
  facts: readonly (readonly [name: string, value: string | undefined])[],
): void {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '');
  const indent = Math.max(0, ...known.map(([name]) => name.length)) + 2;
  for (const [name, value] of known) {
    const [first = '', ...rest] = safeText(value)
      .split('\n')
      .flatMap((line) => wrapped(line, terminal.width - indent));
    terminal.print(`${terminal.paint.dim(name.padEnd(indent))}${first}`);
    for (const line of rest) terminal.print(' '.repeat(indent) + line);
  }
}

/** The text in lines of at most `width` columns, broken at spaces; a longer word stays whole. */
export function wrapped(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const lines: string[] = [];
  const [first = '', ...words] = text.split(' ');
  let line = first;
  for (const word of words) {
    const longer = `${line} ${word}`;
    if (textWidth(longer) <= width) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
