import { Argument, type Command } from 'commander';
import type { DoctorFlags } from '../commands/doctor.ts';
import type { LoginFlags } from '../commands/login.ts';
import type { OperationShowFlags } from '../commands/operation-show.ts';
import { type Does, withExamples } from './does.ts';

/** Everything about the installation and the command line itself. */
export function addInstallationCommands(program: Command, does: Does): void {
  const operation = program
    .command('operation')
    .summary('show or cancel work that goes on in the server')
    .description('Operations: work that takes longer than a request, and goes on when nobody waits for it.');
  const show = operation
    .command('show')
    .description('Show an operation.')
    .argument('<operation>')
    .option('--follow', 'wait for its end');
  does<[string], OperationShowFlags>(
    show,
    async (invocation, [id], flags) =>
      await (await import('../commands/operation-show.ts')).operationShow(invocation, id, flags),
  );
  const cancel = operation
    .command('cancel')
    .description('Cancel an operation that still runs.')
    .argument('<operation>');
  does<[string]>(
    cancel,
    async (invocation, [id]) => await (await import('../commands/operation-cancel.ts')).operationCancel(invocation, id),
  );

  program.commandsGroup('This machine:');

  const login = program
    .command('login')
    .summary('save a token for a server')
    .description(
      'Save a token for a server, after the server has said whose it is. The token is read from a file, asked for, or piped in; it is never an argument.',
    )
    .option('--token-file <FILE>', 'file that holds the token; - reads from standard input');
  does<[], LoginFlags>(
    login,
    async (invocation, _operands, flags) => await (await import('../commands/login.ts')).login(invocation, flags),
  );
  withExamples(
    login,
    'muster login --server https://muster.example.com',
    'muster login --server https://muster.example.com --token-file token.txt',
  );

  const logout = program.command('logout').description('Forget the token for a server.');
  does<[]>(logout, async (invocation) => (await import('../commands/login.ts')).logout(invocation));

  const whoami = program
    .command('whoami')
    .description('Say whose token is used, what its owner may do, and what the token is limited to.');
  does<[]>(whoami, async (invocation) => await (await import('../commands/login.ts')).whoami(invocation));

  const doctor = program
    .command('doctor')
    .summary('find what is in the way')
    .description(
      'Look at everything that commonly is in the way, on this machine and at the server, and say what to do.',
    )
    .option('--data-dir <FOLDER>', 'data directory to look at (default: .muster)');
  does<[], DoctorFlags>(
    doctor,
    async (invocation, _operands, flags) => await (await import('../commands/doctor.ts')).doctor(invocation, flags),
  );

  const completion = program
    .command('completion')
    .summary('print the completion script of a shell')
    .description('Print the completion script of a shell. Names of endpoints and models are completed, too.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']));
  does<[string]>(completion, async (invocation, [shell]) =>
    (await import('../commands/completion.ts')).completion(invocation, shell),
  );
  withExamples(completion, 'source <(muster completion bash)', 'muster completion fish | source');

  const complete = program.command('complete', { hidden: true }).argument('[words...]').allowUnknownOption();
  does<[string[]]>(
    complete,
    async (invocation, [words]) => await (await import('../commands/complete.ts')).complete(invocation, program, words),
  );
}
