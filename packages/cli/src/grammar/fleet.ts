import { type Command, Option } from 'commander';
import type { DeployFlags } from '../commands/deploy.ts';
import type { PredictFlags } from '../commands/predict.ts';
import type { RollbackFlags } from '../commands/rollback.ts';
import { type Does, withExamples } from './does.ts';

/** The verbs that stand alone: what is done most. */
export function addFleetVerbs(program: Command, does: Does): void {
  program.commandsGroup('From a file to an answer:');

  const up = program
    .command('up')
    .summary('start Muster on this machine')
    .description('Start Muster on this machine. All flags are settings of the server: muster up --help lists them.')
    .usage('[--port 7070] [--data-dir .muster] [settings]')
    .argument('[settings...]')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments();
  does<[string[]]>(up, async (invocation, [flags]) => await (await import('../commands/up.ts')).up(invocation, flags));

  const deploy = program
    .command('deploy')
    .summary('hand over a model file or a version, and get an endpoint')
    .description(
      'Hand over a model file, or a version that is registered, and wait until its endpoint answers. The endpoint and the model are made if they do not exist; a file that is registered already is not sent again.',
    )
    .argument(
      '[model-or-file]',
      'a file such as model.onnx, a version such as fraud:3, or an alias such as fraud@champion',
    )
    .option('--name <ENDPOINT>', 'endpoint to deploy under (default: after the file or the model)')
    .option('--model <NAME>', 'model that the file becomes a version of (default: that of the endpoint)')
    .option('--team <TEAM>', 'owner of what is made anew')
    .addOption(new Option('--canary <SHARE>', 'answer only a share of the requests, such as 10%').conflicts('shadow'))
    .addOption(new Option('--shadow [SHARE]', 'get copies of a share of the requests (100%); answers are dropped'))
    .option('--sample <FILE>', 'a few rows as CSV: names the features and warms replicas up')
    .option('--signature <FILE>', 'JSON with the names of features and labels')
    .option('--replicas <N>', 'loaded copies')
    .option('--batch-rows <N>', 'most rows in one run; 1 turns batching off')
    .option('--batch-wait <TIME>', 'longest wait for others, such as 5ms')
    .option('--memory <SIZE>', 'a runner of its own with at most this memory, such as 512Mi; none lifts it')
    .option('--cpu <CORES>', 'a runner of its own with this many cores, such as 0.5; none lifts it')
    .option('--threads <N>', 'threads within one run')
    .option('--own-runner', 'a runner that it shares with no other model')
    .option('--no-own-runner', 'share a runner again')
    .option('--force <ENDPOINT>', 'deploy although callers may break or the version is quarantined: name the endpoint')
    .option('--example', 'deploy the example that comes along');
  does<[string | undefined], DeployFlags>(
    deploy,
    async (invocation, [what], flags) => await (await import('../commands/deploy.ts')).deploy(invocation, what, flags),
  );
  withExamples(
    deploy,
    'muster deploy model.onnx --name fraud --sample rows.csv',
    'muster deploy new-model.onnx --name fraud --canary 10%',
    'muster deploy fraud@champion --name fraud --replicas 2 --memory 512Mi',
    'muster deploy --example',
  );

  const predict = program
    .command('predict')
    .summary('send rows to an endpoint')
    .description('Send rows to an endpoint and print what it predicts. Without rows, one is made from its signature.')
    .argument('<endpoint>')
    .argument('[file]', 'CSV or JSON; - reads from standard input')
    .option('--rows <JSON>', 'one row, or a list of rows');
  does<[string, string | undefined], PredictFlags>(
    predict,
    async (invocation, [endpoint, file], flags) =>
      await (await import('../commands/predict.ts')).predict(invocation, endpoint, file, flags),
  );
  withExamples(
    predict,
    'muster predict fraud',
    'muster predict fraud rows.csv',
    `muster predict fraud --rows '{"amount": 120, "country": "DE"}' --json`,
  );

  const promote = program
    .command('promote')
    .summary('make the canary or the shadow live')
    .description('Make the canary, or else the shadow, of an endpoint live, and wait until it is.')
    .argument('<endpoint>');
  does<[string]>(
    promote,
    async (invocation, [endpoint]) => await (await import('../commands/promote.ts')).promote(invocation, endpoint),
  );
  withExamples(promote, 'muster promote fraud');

  const rollback = program
    .command('rollback')
    .summary('bring back what was live before')
    .description('Bring back what was live before, and wait until it is. A roll-out that is not finished is given up.')
    .argument('<endpoint>')
    .option('--force <ENDPOINT>', 'although the version is quarantined: name the endpoint');
  does<[string], RollbackFlags>(
    rollback,
    async (invocation, [endpoint], flags) =>
      await (await import('../commands/rollback.ts')).rollback(invocation, endpoint, flags),
  );
  withExamples(rollback, 'muster rollback fraud');

  const status = program
    .command('status')
    .summary('how the installation or an endpoint is')
    .description(
      'How the installation is: its processes, and its endpoints, those that need attention first. With a name: how that endpoint is.',
    )
    .argument('[endpoint]');
  does<[string | undefined]>(
    status,
    async (invocation, [endpoint]) => await (await import('../commands/status.ts')).status(invocation, endpoint),
  );
  withExamples(status, 'muster status', 'muster status fraud', 'muster status --json');
}
