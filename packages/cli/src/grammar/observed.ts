import type { Command } from 'commander';
import type { ImportMlflowFlags } from '../commands/import-mlflow.ts';
import type { ObservedAddFlags } from '../commands/observed-add.ts';
import type { ObservedReportFlags } from '../commands/observed-report.ts';
import type { ObservedSetFlags } from '../commands/observed-set.ts';
import type { ImportFlags } from '../import/send-items.ts';
import { type Does, withExamples } from './does.ts';

/** `muster observed …` and `muster import …`: what something else serves. */
export function addObservedCommands(program: Command, does: Does): void {
  addObserved(program, does);
  addImport(program, does);
}

function addObserved(program: Command, does: Does): void {
  const observed = program
    .command('observed')
    .summary('endpoints that something else serves: list, add and watch them')
    .description(
      'Endpoints that Muster does not serve, but lists and watches. They are described, given an owner and deleted as all endpoints are, with muster endpoint.',
    );

  const list = observed.command('list').description('List those that you may see, and how they are.');
  does<[]>(list, async (invocation) => await (await import('../commands/observed-list.ts')).observedList(invocation));
  withExamples(list, 'muster observed list', 'muster observed list -o wide');

  const show = observed
    .command('show')
    .description('Show one: where it is, what it serves, how it is.')
    .argument('<endpoint>');
  does<[string]>(
    show,
    async (invocation, [name]) => await (await import('../commands/observed-show.ts')).observedShow(invocation, name),
  );
  withExamples(show, 'muster observed show fraud');

  const add = withDetails(
    observed.command('add').description('List an endpoint that something else serves.').argument('<name>'),
  )
    .requiredOption('--platform <NAME>', 'what serves it, such as kserve, seldon, triton or sagemaker')
    .option('--owner <ACTOR>', 'whom to ask about it (default: you)')
    .option('--use-case <NAME>', 'why it exists')
    .option('--team <TEAM>', 'whose it is (default: default)')
    .option('--runbook <URL>', 'page that says what to do when something is wrong')
    .option('--description <TEXT>', 'one sentence on what it does');
  does<[string], ObservedAddFlags>(
    add,
    async (invocation, [name], flags) =>
      await (await import('../commands/observed-add.ts')).observedAdd(invocation, name, flags),
  );
  withExamples(
    add,
    'muster observed add fraud --platform kserve --location prod/fraud --probe https://fraud.example.org/v2/health/ready --team risk',
  );

  const set = withDetails(
    observed
      .command('set')
      .description(
        'Change where it is, what it serves, or how it is looked at. `none` takes a model, version or probe away.',
      )
      .argument('<endpoint>'),
  ).option('--platform <NAME>', 'what serves it');
  does<[string], ObservedSetFlags>(
    set,
    async (invocation, [name], flags) =>
      await (await import('../commands/observed-set.ts')).observedSet(invocation, name, flags),
  );
  withExamples(set, 'muster observed set fraud --model-version 4', 'muster observed set fraud --probe none');

  const report = observed
    .command('report')
    .description('Tell how it was used over some time, and how it answered. The newest report is kept.')
    .argument('<endpoint>')
    .requiredOption('--requests <N>', 'how many there were')
    .requiredOption('--errors <N>', 'how many of them failed')
    .requiredOption('--from <TIME>', 'when that time began: 1h, 2026-11-01, 2026-11-01T12:00Z')
    .requiredOption('--until <TIME>', 'when it ended; 0s is now')
    .option('--p50 <MS>', 'latency that half of them reached, in milliseconds')
    .option('--p95 <MS>', 'latency that 95 % of them reached')
    .option('--p99 <MS>', 'latency that 99 % of them reached');
  does<[string], ObservedReportFlags>(
    report,
    async (invocation, [name], flags) =>
      await (await import('../commands/observed-report.ts')).observedReport(invocation, name, flags),
  );
  withExamples(report, 'muster observed report fraud --requests 12000 --errors 3 --from 1h --until 0s --p95 12.5');
}

function withDetails(command: Command): Command {
  return command
    .option('--location <TEXT>', 'where it is, such as a namespace or a host')
    .option('--model <NAME>', 'what it serves')
    .option('--model-version <VERSION>', 'which version of it')
    .option(
      '--probe <URL>',
      'address that answers with 2xx while it is well; its host has to be in observing.allowedHosts',
    );
}

function addImport(program: Command, does: Does): void {
  const all = program
    .command('import')
    .summary('list what runs elsewhere, many at once')
    .description(
      'List endpoints that something else serves, from what you have. What is there already under a name is brought up to date; what a source does not say stays as it is.',
    );

  const csv = withImportFlags(
    all
      .command('csv')
      .description(
        'Read a table. Its first line names the columns: name and platform; team, description, owner, use-case, location, model, version, probe and runbook where you have them.',
      )
      .argument('<file>'),
  );
  does<[string], ImportFlags>(
    csv,
    async (invocation, [path], flags) =>
      await (await import('../commands/import-csv.ts')).importCsv(invocation, path, flags),
  );
  withExamples(csv, 'muster import csv fleet.csv --dry-run', 'muster import csv fleet.csv');

  const manifests = withImportFlags(
    all
      .command('manifests')
      .description(
        'Read manifests of KServe (InferenceService) and Seldon (SeldonDeployment, Model), from files and folders, also as kubectl get prints them. Secrets and all else that lies there are not looked at.',
      )
      .argument('<file-or-folder...>'),
  );
  does<[string[]], ImportFlags>(
    manifests,
    async (invocation, [paths], flags) =>
      await (await import('../commands/import-manifests.ts')).importManifests(invocation, paths, flags),
  );
  withExamples(
    manifests,
    'muster import manifests deploy/ --team risk --dry-run',
    'kubectl get isvc -A -o yaml > isvc.yaml && muster import manifests isvc.yaml',
  );

  const mlflow = withImportFlags(
    all
      .command('mlflow')
      .description('Read the registered models of an MLflow server: each with the alias becomes an endpoint.')
      .argument('<url>')
      .option('--alias <ALIAS>', 'the alias of what is served (default: champion)'),
  );
  does<[string], ImportMlflowFlags>(
    mlflow,
    async (invocation, [url], flags) =>
      await (await import('../commands/import-mlflow.ts')).importMlflow(invocation, url, flags),
  );
  withExamples(mlflow, 'muster import mlflow http://localhost:5000 --alias champion --team risk');
}

function withImportFlags(command: Command): Command {
  return command
    .option('--dry-run', 'say what would happen, and change nothing')
    .option('--team <TEAM>', 'whose they are, where the source does not say it (default: default)')
    .option('--owner <ACTOR>', 'whom to ask about new ones, where the source does not say it (default: you)');
}
