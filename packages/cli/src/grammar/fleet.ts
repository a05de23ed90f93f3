import { type Command, Option } from 'commander';
import type { DeployFlags } from '../commands/deploy.ts';
import type { PredictFlags } from '../commands/predict.ts';
import type { RollbackFlags } from '../commands/rollback.ts';
import type { ScoreFlags } from '../commands/score.ts';
import { type Does, withExamples } from './does.ts';
import { pythonHelp, requirementsHelp, sampleHelp } from './model-flags.ts';

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
      'Hand over a model file or folder, or a version that is registered, and wait until its endpoint answers. The endpoint and the model are made if they do not exist; a file that is registered already is not sent again. Files: ONNX; pickle, joblib, cloudpickle and skops; XGBoost (JSON, UBJ), LightGBM (text) and CatBoost (cbm). Folders: of MLflow, of Hugging Face, and any with a model.py that has load(path) and predict(model, data).',
    )
    .argument(
      '[model-or-file]',
      'a file such as model.onnx, a folder, a version such as fraud:3, or an alias such as fraud@champion',
    )
    .option('--name <ENDPOINT>', 'endpoint to deploy under (default: after the file or the model)')
    .option('--model <NAME>', 'model that the file becomes a version of (default: that of the endpoint)')
    .option('--team <TEAM>', 'owner of what is made anew')
    .option('--use-case <NAME>', 'why the endpoint exists: a use case of its team (default: the one that it has)')
    .addOption(new Option('--canary <SHARE>', 'answer only a share of the requests, such as 10%').conflicts('shadow'))
    .addOption(new Option('--shadow [SHARE]', 'get copies of a share of the requests (100%); answers are dropped'))
    .option('--sample <FILE>', sampleHelp)
    .option('--signature <FILE>', 'JSON with the names of features and labels')
    .option('--requirements <FILE>', requirementsHelp)
    .option('--python <VERSION>', pythonHelp)
    .option('--replicas <N>', 'loaded copies')
    .option('--batch-rows <N>', 'most rows in one run; 1 turns batching off')
    .option('--batch-wait <TIME>', 'longest wait for others, such as 5ms')
    .option('--memory <SIZE>', 'a runner of its own with at most this memory, such as 512Mi; none lifts it')
    .option('--cpu <CORES>', 'a runner of its own with this many cores, such as 0.5; none lifts it')
    .option('--threads <N>', 'threads within one run')
    .option('--own-runner', 'a runner that it shares with no other model')
    .option('--no-own-runner', 'share a runner again')
    .option(
      '--secret <NAME=SECRET>',
      'a secret in the environment of a Python model, such as API_KEY=secret://risk/api-key, or NAME= to leave it out; may be repeated',
      (one: string, others: string[] | undefined) => [...(others ?? []), one],
    )
    .option('--force <ENDPOINT>', 'deploy although callers may break or the version is quarantined: name the endpoint')
    .option(
      '--mlflow <URL>',
      'copy the model from this MLflow server: models:/churn@champion, models:/churn/3, runs:/RUN/model',
    )
    .option('--follow', 'deploy again whenever the alias moves')
    .option('--example', 'deploy the example that comes along');
  does<[string | undefined], DeployFlags>(
    deploy,
    async (invocation, [what], flags) => await (await import('../commands/deploy.ts')).deploy(invocation, what, flags),
  );
  withExamples(
    deploy,
    'muster deploy model.onnx --name fraud --sample rows.csv',
    'muster deploy churn.pkl --sample rows.csv --python 3.11',
    'muster deploy ./model --name ranking --requirements "xgboost==2.1.4, pandas"',
    'muster deploy new-model.onnx --name fraud --canary 10%',
    'muster deploy fraud@champion --name fraud --replicas 2 --memory 512Mi',
    'muster deploy models:/churn@champion --mlflow http://localhost:5000 --follow',
    'muster deploy --example',
  );

  const inspect = program
    .command('inspect')
    .summary('say what a model file is, without running it')
    .description(
      'Say what a model file or folder is without running any of it: what it was made with, what it needs, which of its instructions are dangerous, and what is missing to serve it. It needs no server. Files that only Python can read are looked at with the Python of this machine; at the first time it fetches picklescan, a scanner of pickles, into the cache folder.',
    )
    .argument(
      '<file-or-folder>',
      'ONNX, pickle, joblib, skops, XGBoost, LightGBM or CatBoost; a folder, or a tar of one',
    );
  does<[string]>(
    inspect,
    async (invocation, [path]) => await (await import('../commands/inspect.ts')).inspect(invocation, path),
  );
  withExamples(inspect, 'muster inspect model.pkl', 'muster inspect mlruns/1/models/m-1/artifacts --json');

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

  const score = program
    .command('score')
    .summary('answer every row of a table')
    .description(
      'Answer every row of a table in the background, with the version that is live now, behind predictions in priority. The result has a column `row` (from 0), the columns that are kept, and the outputs; rows that cannot be answered go to a file of their own, with reasons.',
    )
    .argument('<endpoint>')
    .argument('[file]', 'Parquet, CSV or JSONL')
    .option('-o, --output <FILE>', 'where the result goes; its name says the format (default: FILE.scored.…)')
    .option('--outputs <NAMES>', 'outputs to compute, such as label (default: all)')
    .option('--keep <COLUMNS>', 'columns of the table that the result has, too, such as id,date')
    .option('--errors <FILE>', 'where rows without an answer go (default: beside the result)')
    .option('--role <ROLE>', 'whose version answers: live or canary')
    .option('--delimiter <CHARACTER>', "what separates the fields of CSV, such as ';' or tab")
    .option('--resume <OPERATION>', 'wait for a score that was begun earlier, and fetch its result')
    .option('--no-header', 'the first line of CSV is a row; columns are in the order of the model');
  does<[string, string | undefined], ScoreFlags>(
    score,
    async (invocation, [endpoint, file], flags) =>
      await (await import('../commands/score.ts')).score(invocation, endpoint, file, flags),
  );
  withExamples(
    score,
    'muster score churn customers.parquet -o scores.parquet --keep customer_id',
    'muster score churn customers.csv -o scores.csv --outputs label',
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
