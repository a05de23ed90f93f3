import type { Command } from 'commander';
import type { ModelAliasFlags } from '../commands/model-alias.ts';
import type { ModelPushFlags } from '../commands/model-push.ts';
import { type Does, withExamples } from './does.ts';
import { pythonHelp, requirementsHelp, sampleHelp } from './model-flags.ts';

/** `muster model …` */
export function addModelCommands(program: Command, does: Does): void {
  const model = program
    .command('model')
    .summary('register, list and show models and their versions')
    .description('Models and their versions: what endpoints are deployed from.');

  const push = model
    .command('push')
    .description('Register a file or a folder as the next version of a model, without deploying it.')
    .argument('<file-or-folder>')
    .option('--name <NAME>', 'model (default: after the file)')
    .option('--team <TEAM>', 'owner of a new model')
    .option('--sample <FILE>', sampleHelp)
    .option('--signature <FILE>', 'JSON with the names of features and labels')
    .option('--requirements <FILE>', requirementsHelp)
    .option('--python <VERSION>', pythonHelp)
    .option('--description <TEXT>', 'what is new in this version');
  does<[string], ModelPushFlags>(
    push,
    async (invocation, [file], flags) =>
      await (await import('../commands/model-push.ts')).modelPush(invocation, file, flags),
  );
  withExamples(
    push,
    'muster model push model.onnx --name fraud --sample rows.csv',
    'muster model push churn.pkl --requirements requirements.txt --python 3.11',
  );

  const list = model.command('list').description('List the models.');
  does<[]>(list, async (invocation) => await (await import('../commands/model-list.ts')).modelList(invocation));
  withExamples(list, 'muster model list', 'muster model list -o name');

  const show = model
    .command('show')
    .description('Show a model with its versions, or one version.')
    .argument('<model>', 'fraud, fraud:3 or fraud@champion');
  does<[string]>(
    show,
    async (invocation, [what]) => await (await import('../commands/model-show.ts')).modelShow(invocation, what),
  );
  withExamples(show, 'muster model show fraud', 'muster model show fraud:3');

  const alias = model
    .command('alias')
    .description('Point an alias at a version, or remove it.')
    .argument('<model>', 'fraud:3, or another alias: fraud@challenger; with --delete just fraud')
    .argument('<alias>', 'such as champion')
    .option('--delete', 'remove the alias');
  does<[string, string], ModelAliasFlags>(
    alias,
    async (invocation, [what, name], flags) =>
      await (await import('../commands/model-alias.ts')).modelAlias(invocation, what, name, flags),
  );
  withExamples(alias, 'muster model alias fraud:3 champion', 'muster model alias fraud champion --delete');

  const pull = model
    .command('pull')
    .description('Fetch the file of a version, and check its digest.')
    .argument('<model>', 'fraud:3 or fraud@champion')
    .argument('[file]', 'where to put it (default: fraud-3.onnx)');
  does<[string, string | undefined]>(
    pull,
    async (invocation, [what, file]) =>
      await (await import('../commands/model-pull.ts')).modelPull(invocation, what, file),
  );
  withExamples(pull, 'muster model pull fraud@champion model.onnx');
}
