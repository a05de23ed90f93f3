import type { Terminal } from './terminal.ts';

/** What to do next, each line a word and a command that can be copied. */
export function nextCommands(
  terminal: Terminal,
  commands: readonly (readonly [word: string, command: string])[],
): void {
  const width = Math.max(0, ...commands.map(([word]) => word.length)) + 3;
  for (const [word, command] of commands) terminal.note(`${terminal.paintNotes.dim(word.padEnd(width))}${command}`);
}
