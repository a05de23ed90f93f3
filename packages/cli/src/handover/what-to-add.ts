import { MusterError } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { shellQuoted } from '../output/shell-quoted.ts';

const flagOf: Readonly<Record<string, string>> = {
  sample_needed: '--sample rows.csv',
  requirements_needed: '--requirements requirements.txt',
};

/**
 * The same error with the whole command to copy as its remedy, where a flag is what it asks for; any other error as it is.
 * `command` is what was called, with its flags.
 */
export function withWhatToAdd(error: unknown, command: string): unknown {
  const flag = error instanceof MusterError ? flagOf[error.code] : undefined;
  if (!(error instanceof MusterError) || flag === undefined || command.includes(` ${flag.split(' ')[0] ?? ''} `))
    return error;
  return new MusterError(error.code, error.message, {
    remedy: `${error.remedy.replace(/\.?$/, '.')} For example:\n    ${command} ${flag}`,
    details: error.details,
    ...(error.place === undefined ? {} : { place: error.place }),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    cause: error,
  });
}

/** The command line as it was called, to be copied and added to. */
export function calledAs(
  invocation: Invocation,
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
): string {
  const given = Object.entries(flags).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined) return [];
    if (value === false) return [flag.replace('--', '--no-')];
    if (value === true) return [flag];
    return [value].flat().flatMap((one) => [flag, shellQuoted(one)]);
  });
  return [commandName(invocation), ...words.map(shellQuoted), ...given].join(' ');
}
