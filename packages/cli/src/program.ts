import { Command, Option, type OutputConfiguration } from 'commander';
import { addAccessCommands } from './grammar/access.ts';
import { addAuditCommands } from './grammar/audit.ts';
import { addBackupCommands, addRestoreCommand } from './grammar/backup.ts';
import type { Does } from './grammar/does.ts';
import { addDrillCommands } from './grammar/drill.ts';
import { addEndpointCommands } from './grammar/endpoint.ts';
import { addFleetVerbs } from './grammar/fleet.ts';
import { addHistoryVerbs } from './grammar/history.ts';
import { addIdentityCommands } from './grammar/identity.ts';
import { addInsightCommands } from './grammar/insights.ts';
import { addInstallationCommands } from './grammar/installation.ts';
import { addModelCommands } from './grammar/model.ts';
import { addNotificationCommands } from './grammar/notification.ts';
import { addObservedCommands } from './grammar/observed.ts';
import { addReadinessCommands } from './grammar/readiness.ts';
import { addSecretCommands } from './grammar/secret.ts';
import { addUseCaseCommands } from './grammar/usecase.ts';
import { outputFormats } from './output/output-format.ts';

/** The whole grammar of the command line: fleet verbs alone, the rest `muster NOUN VERB`. */
export function createProgram(version: string, output: OutputConfiguration, does: Does): Command {
  const program = new Command('muster')
    .description('Hand over a model: an endpoint in a minute, and every model you run on one page.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    .configureHelp({ showGlobalOptions: true, sortOptions: false })
    .exitOverride()
    .configureOutput(output)
    .addOption(new Option('--server <URL>', 'server to talk to (default: MUSTER_SERVER, else the last login)'))
    // Checked later: for a command that writes a file, it is the name of that file.
    .addOption(
      new Option('-o, --output <FORMAT>', 'how lists are shown').choices(outputFormats).argParser((text) => text),
    )
    .addOption(new Option('--json', 'print JSON; errors are JSON on standard error'))
    .addOption(new Option('--color <WHEN>', 'colours').choices(['auto', 'always', 'never']))
    .addOption(new Option('-q, --quiet', 'print data and errors only'))
    .addOption(new Option('-y, --yes', 'answer questions with yes'));
  program.addHelpText(
    'after',
    '\nStart with:\n  muster up\n  muster deploy model.onnx --name fraud\n  muster predict fraud\n\nExit codes: 0 ok, 1 failure, 4 sign in, 5 forbidden, 6 not found, 7 conflict, 9 unreachable, 64 usage, 130 interrupted.',
  );
  addFleetVerbs(program, does);
  addHistoryVerbs(program, does);
  addReadinessCommands(program, does);
  program.commandsGroup('Nouns:');
  addEndpointCommands(program, does);
  addModelCommands(program, does);
  addUseCaseCommands(program, does);
  addDrillCommands(program, does);
  addObservedCommands(program, does);
  addInsightCommands(program, does);
  addIdentityCommands(program, does);
  addAccessCommands(program, does);
  addSecretCommands(program, does);
  addAuditCommands(program, does);
  addBackupCommands(program, does);
  addNotificationCommands(program, does);
  addInstallationCommands(program, does);
  addRestoreCommand(program, does);
  return program;
}
