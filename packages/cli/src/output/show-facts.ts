import type { Terminal } from './terminal.ts';
import { safeText } from './text-width.ts';

/** Prints what is known about one thing, a fact a line; facts without a value are left out. */
export function showFacts(
  terminal: Terminal,
  facts: readonly (readonly [name: string, value: string | undefined])[],
): void {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '');
  const width = Math.max(0, ...known.map(([name]) => name.length)) + 2;
  for (const [name, value] of known) {
    const lines = safeText(value).split('\n');
    terminal.print(
      [
        `${terminal.paint.dim(name.padEnd(width))}${lines[0] ?? ''}`,
        ...lines.slice(1).map((line) => ' '.repeat(width) + line),
      ].join('\n'),
    );
  }
}
