import type { Command, Option } from 'commander';
import { type KnownNames, knownNames } from '../context/known-names.ts';
import type { Invocation } from '../invocation.ts';

/** One thing that a word may become. */
export interface Candidate {
  readonly value: string;
  readonly description?: string | undefined;
}

/** Answers a completion script: what the last of the words may become, a line each. */
export async function complete(invocation: Invocation, program: Command, words: readonly string[]): Promise<void> {
  const { terminal, surroundings } = invocation;
  const position = positionOf(program, words);
  const names = isOfServer(position.wants) ? await knownNames(surroundings, invocation.flags.server) : undefined;
  for (const { value, description } of candidates(await withWords(position), names))
    terminal.print(description === undefined ? value : `${value}\t${description}`);
  if (position.wants === 'files' || position.wants === 'models') terminal.print(':files');
}

function isOfServer(wants: Position['wants']): wants is keyof KnownNames {
  return wants === 'endpoints' || wants === 'models' || wants === 'actors' || wants === 'teams';
}

/** Roles and actions are words of the protocol, whose schemas load only where they are wanted. */
async function withWords(position: Position): Promise<Position> {
  if (position.wants !== 'roles' && position.wants !== 'actions') return position;
  const { actions, roles } = await import('@muster-ml/protocol');
  return { ...position, wants: 'choices', choices: position.wants === 'roles' ? roles : actions };
}

/** What is expected at the word under the cursor. */
export interface Position {
  readonly command: Command;
  readonly word: string;
  readonly wants: 'commands' | 'flags' | 'choices' | keyof KnownNames | 'roles' | 'actions' | 'files' | 'nothing';
  readonly choices: readonly string[];
}

/** Walks down the commands that the words name, past their flags and values. */
export function positionOf(program: Command, words: readonly string[]): Position {
  const word = words.at(-1) ?? '';
  let command = program;
  let operands = 0;
  let awaiting: Option | undefined;
  for (const earlier of words.slice(0, -1)) {
    if (awaiting !== undefined) awaiting = undefined;
    else if (earlier.startsWith('-')) awaiting = earlier.includes('=') ? undefined : optionOf(command, earlier);
    else {
      const next =
        operands === 0
          ? command.commands.find((one) => one.name() === earlier || one.aliases().includes(earlier))
          : undefined;
      if (next === undefined) operands += 1;
      else command = next;
    }
    if (awaiting?.required !== true) awaiting = undefined;
  }
  const at = (wants: Position['wants'], choices: readonly string[] = []): Position => ({
    command,
    word,
    wants,
    choices,
  });
  if (awaiting !== undefined) {
    if (awaiting.argChoices !== undefined) return at('choices', awaiting.argChoices);
    if (awaiting.attributeName() === 'force' || (awaiting.attributeName() === 'name' && command.name() === 'deploy'))
      return at('endpoints');
    return at(wantedBy(/<(\w+)>/.exec(awaiting.flags)?.[1]?.toLowerCase() ?? ''));
  }
  if (word.startsWith('-')) return at('flags');
  if (command.commands.length > 0 && operands === 0) return at('commands');
  const argument = command.registeredArguments[operands];
  if (argument?.argChoices !== undefined) return at('choices', argument.argChoices);
  return at(wantedBy(argument?.name() ?? ''));
}

function wantedBy(argument: string): Position['wants'] {
  if (/endpoint/.test(argument)) return 'endpoints';
  if (/model/.test(argument)) return 'models';
  if (argument === 'actor') return 'actors';
  if (argument === 'team') return 'teams';
  if (argument === 'role') return 'roles';
  if (argument === 'action') return 'actions';
  return /file/.test(argument) ? 'files' : 'nothing';
}

/** What fits the word, in the order in which help lists it. */
export function candidates({ command, word, wants, choices }: Position, names: KnownNames | undefined): Candidate[] {
  const fits = ({ value }: Candidate): boolean => value.startsWith(word);
  const help = command.createHelp();
  switch (wants) {
    case 'commands':
      return help
        .visibleCommands(command)
        .map((one) => ({ value: one.name(), description: one.summary() || one.description() }))
        .filter(fits);
    case 'flags': {
      const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
      return options
        .map((option) => ({ value: option.long ?? option.short ?? '', description: option.description }))
        .filter(fits);
    }
    case 'choices':
      return choices.map((value) => ({ value })).filter(fits);
    case 'endpoints':
    case 'models':
    case 'actors':
    case 'teams':
      return (names?.[wants] ?? []).map((value) => ({ value })).filter(fits);
    case 'roles':
    case 'actions':
    case 'files':
    case 'nothing':
      return [];
  }
}

function optionOf(command: Command, flag: string): Option | undefined {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find(({ long, short }) => long === flag || short === flag);
    if (found !== undefined) return found;
  }
  return undefined;
}
