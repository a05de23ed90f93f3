import type { Argument, Command, Option } from 'commander';
import { examplesOf } from './grammar/does.ts';
import { createProgram } from './program.ts';

/** `docs/reference/cli.md`, made from the grammar of the command line, so that it says what `--help` says. */
export function describeCommands(): string {
  const program = createProgram('', {}, (command) => command);
  const leaves = leavesOf(program);
  const parts = [
    '# The command line',
    'Generated from `packages/cli/src/grammar/` by `npm run docs:generate`; do not edit.',
    'Data goes to standard output, everything else to standard error. Every command takes these flags, before or after its own:',
    flagTable(program.options.filter(({ long }) => long !== '--version')),
    [
      '**Which server, and as whom:** `--server`, else `MUSTER_SERVER`, else `server` in the configuration file, else `http://localhost:7070`; the token is `MUSTER_TOKEN`, else that of the server in the configuration file.',
      'The file is `config.json` in `$MUSTER_CONFIG_DIR`, else in `$XDG_CONFIG_HOME/muster`, else in `~/.config/muster`: `{"server": "http://localhost:7070", "tokens": {"http://localhost:7070": "…"}}`, readable by its user alone. `muster up` writes it at its first start, `muster login` adds to it.',
    ].join('\n'),
    '**Units** are always written: sizes `512Mi`, shares `10%`, times `50ms` `30s` `5m`, CPU in cores `0.5`.',
    '**Exit codes**',
    '| code | meaning |\n|---|---|\n| 0 | ok |\n| 1 | failure |\n| 4 | sign in: no token, or one that is not valid |\n| 5 | forbidden |\n| 6 | not found |\n| 7 | conflict |\n| 9 | unreachable or not ready |\n| 64 | the command line is wrong |\n| 130 | interrupted; what was begun goes on in the server |',
    '**Environment:** `NO_COLOR`, `FORCE_COLOR`, `TERM=dumb` and `CI` are honoured; `MUSTER_DEBUG=1` adds the trace to an error.',
    leaves.map((command) => `[${pathOf(command)}](#${pathOf(command).replaceAll(' ', '-')})`).join(' · '),
    ...leaves.flatMap(describe),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function leavesOf(command: Command): Command[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
  return visible.flatMap((one) => (one.commands.length === 0 ? [one] : leavesOf(one)));
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function describe(command: Command): string[] {
  const examples = examplesOf(command);
  return [
    `## ${pathOf(command)}`,
    command.description(),
    `\`\`\`sh\n${pathOf(command)} ${command.usage()}\n\`\`\``,
    argumentList(command.registeredArguments.filter(({ description }) => description !== '')),
    command.options.length === 0 ? '' : flagTable(command.options),
    examples.length === 0 ? '' : `Examples:\n\`\`\`sh\n${examples.join('\n')}\n\`\`\``,
  ];
}

function argumentList(all: readonly Argument[]): string {
  return all
    .map((argument) => `- \`${argument.name()}\`: ${argument.description}${choicesText(argument.argChoices)}`)
    .join('\n');
}

function flagTable(options: readonly Option[]): string {
  const rows = options.map(
    ({ flags, description, argChoices }) =>
      `| \`${flags.replaceAll('|', String.raw`\|`)}\` | ${description}${choicesText(argChoices)} |`,
  );
  return ['| flag | meaning |', '|---|---|', ...rows].join('\n');
}

function choicesText(choices: readonly string[] | undefined): string {
  return choices === undefined ? '' : `: ${choices.join(', ')}`;
}
