import type { Command } from 'commander';
import type { SecretDeleteFlags } from '../commands/secret-delete.ts';
import type { SecretSetFlags } from '../commands/secret-set.ts';
import { type Does, withExamples } from './does.ts';

const which = 'TEAM/NAME, such as risk/feature-store';

/** `muster secret …` */
export function addSecretCommands(program: Command, does: Does): void {
  const secret = program
    .command('secret')
    .summary('set, list and delete the secrets that models use')
    .description(
      'Secrets: values that models run by Python find in their environment, and that nobody can read again.',
    );

  const set = secret
    .command('set')
    .description(
      'Give a secret a new value, as its next version. The value is read from a file, asked for, or piped in; it is never an argument. Of a single line, the line break at its end is no part of it. Replicas that run keep the value that they were started with.',
    )
    .argument('<secret>', which)
    .option('--from-file <FILE>', 'file that holds the value, text or bytes; - reads from standard input')
    .option('--restart', 'start what uses the secret anew, without losing a request');
  does<[string], SecretSetFlags>(
    set,
    async (invocation, [what], flags) =>
      await (await import('../commands/secret-set.ts')).secretSet(invocation, what, flags),
  );
  withExamples(
    set,
    'muster secret set risk/feature-store',
    'muster secret set risk/feature-store --from-file password.txt --restart',
    'vault read -field=key secret/risk | muster secret set risk/feature-store',
  );

  const list = secret.command('list').description('List the secrets: who uses them and when they were set.');
  does<[]>(list, async (invocation) => await (await import('../commands/secret-list.ts')).secretList(invocation));
  withExamples(list, 'muster secret list', 'muster secret list --json');

  const show = secret
    .command('show')
    .description('Show a secret: its versions and what uses it, never its value.')
    .argument('<secret>', which);
  does<[string]>(
    show,
    async (invocation, [what]) => await (await import('../commands/secret-show.ts')).secretShow(invocation, what),
  );
  withExamples(show, 'muster secret show risk/feature-store');

  const remove = secret
    .command('delete')
    .description('Delete a secret. It is refused while a deployment refers to it.')
    .argument('<secret>', which)
    .option('--force <NAME>', 'although deployments refer to it, whose next start fails then: name the secret');
  does<[string], SecretDeleteFlags>(
    remove,
    async (invocation, [what], flags) =>
      await (await import('../commands/secret-delete.ts')).secretDelete(invocation, what, flags),
  );
  withExamples(remove, 'muster secret delete risk/feature-store', 'muster secret delete risk/feature-store --yes');

  const rotate = secret
    .command('rotate-key')
    .description(
      'Make a new key for the whole installation and wrap the keys of all secrets with it. Older keys stay beside it, for what is in backups. It goes on where it was broken off.',
    );
  does<[]>(
    rotate,
    async (invocation) => await (await import('../commands/secret-rotate-key.ts')).secretRotateKey(invocation),
  );
  withExamples(rotate, 'muster secret rotate-key');
}
