import type { Command } from 'commander';
import type { Invocation } from '../invocation.ts';

/** What a command does with its operands and its own flags; a number is the exit code, nothing is success. */
export type Work<O extends readonly unknown[], F> = (
  invocation: Invocation,
  operands: O,
  flags: F,
) => Promise<number | void>;

/**
 * Gives a command its work. The work imports its file when it is called, so that help, version and completion load none of
 * them; `O` and `F` say what the declaration of the command lets through.
 */
export type Does = <O extends readonly unknown[], F = Readonly<Record<string, never>>>(
  command: Command,
  work: Work<O, F>,
) => Command;

const examples = new WeakMap<Command, readonly string[]>();

/** Adds examples to the help of a command, each a line that can be copied. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  examples.set(command, lines);
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** The examples of a command, for the reference page. */
export function examplesOf(command: Command): readonly string[] {
  return examples.get(command) ?? [];
}
