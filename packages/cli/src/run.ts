import { type Command, CommanderError } from 'commander';
import { exitCodeOf, exitCodes } from './exit-code.ts';
import type { Does, Work } from './grammar/does.ts';
import { Interrupted } from './interrupted.ts';
import type { GlobalFlags } from './invocation.ts';
import { outputFormats } from './output/output-format.ts';
import { createProgram } from './program.ts';
import { softwareVersion } from './software-version.ts';
import type { Surroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

/** Runs one command line to its end and returns its exit code. Never throws: every error is told on standard error. */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const output = {
    writeOut: (text: string) => void surroundings.stdout.write(text),
    writeErr: (text: string) => void surroundings.stderr.write(text),
    // Told below, in the form of all other errors.
    outputError: () => {},
    getOutHelpWidth: () => surroundings.stdout.columns ?? 100,
    getErrHelpWidth: () => surroundings.stderr.columns ?? 100,
  };
  const does: Does = <O extends readonly unknown[], F>(command: Command, work: Work<O, F>): Command =>
    command.action(async (...given: unknown[]) => {
      // Commander hands over the operands, the command's own flags, and the command; the declaration says what they are.
      const operands = given.slice(0, -2) as unknown as O;
      const { createInvocation } = await import('./invocation.ts');
      const { global, own } = splitFlags(program, command);
      const invocation = createInvocation(surroundings, global);
      const code = await work(invocation, operands, own as F);
      exitCode = code ?? exitCodes.ok;
    });
  const program = createProgram(softwareVersion(), output, does);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help'))
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return await tell(
      error instanceof CommanderError ? usageError(error) : error,
      words,
      surroundings,
      program.opts<GlobalFlags>(),
    );
  }
}

/**
 * The flags that hold for every command, and the command's own. Commander gives `--output` to the program wherever it
 * stands; for a command that writes a file it names that file, for all others how lists are shown.
 */
function splitFlags(program: Command, command: Command): { readonly global: GlobalFlags; readonly own: object } {
  const { output, ...global } = program.opts<Omit<GlobalFlags, 'output'> & { readonly output?: string }>();
  if (output === undefined) return { global, own: command.opts() };
  if (command.options.some(({ long }) => long === '--output')) return { global, own: { ...command.opts(), output } };
  const format = outputFormats.find((known) => known === output);
  if (format !== undefined) return { global: { ...global, output: format }, own: command.opts() };
  const choices = outputFormats.join(', ');
  throw new UsageError(`\`${output}\` is no way to show a list`, `Allowed choices are ${choices}.`, '--output');
}

async function tell(
  thrown: unknown,
  words: readonly string[],
  surroundings: Surroundings,
  flags: GlobalFlags,
): Promise<number> {
  const error = surroundings.interruption.aborted && !(thrown instanceof Interrupted) ? new Interrupted() : thrown;
  const { shownError, errorJson, errorText } = await import('./output/error-text.ts');
  const shown = shownError(error);
  // A flag that comes after the faulty word was not read yet.
  const isJson = flags.json === true || words.includes('--json');
  const { createTerminal } = await import('./output/terminal.ts');
  const terminal = createTerminal(surroundings, { color: flags.color ?? 'auto', quiet: flags.quiet === true });
  terminal.warn(isJson ? errorJson(shown) : errorText(shown, terminal));
  if (surroundings.env['MUSTER_DEBUG'] === '1' && thrown instanceof Error) terminal.warn(traceOf(thrown));
  return exitCodeOf(error);
}

/** Commander's `error: unknown option '--nmae'\n(Did you mean --name?)` as one of ours. */
function usageError(error: CommanderError): UsageError {
  const [headline = '', hint = ''] = error.message.replace(/^error: /, '').split('\n');
  const meant = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(hint)?.[1];
  return new UsageError(
    headline,
    meant === undefined ? 'muster help lists the commands, muster COMMAND --help its flags.' : `Write ${meant}.`,
  );
}

function traceOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${traceOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
