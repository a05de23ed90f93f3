import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The main job, from nothing: a server on a temporary folder, a model file, an endpoint, predictions beside those that the
 * training library gave, and a second version that takes over under load. `--exit` ends after that; else it stays up.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const launcher = join(root, 'packages/cli/bin/muster.js');
const example = join(root, 'examples/breast-cancer');
const endpoint = 'breast-cancer';
const clients = 8;
const classes = ['malignant', 'benign'];

interface Expected {
  readonly tolerance: number;
  readonly true_labels: readonly number[];
  readonly versions: Readonly<
    Record<string, { readonly labels: readonly number[]; readonly probabilities: readonly (readonly number[])[] }>
  >;
}

interface Answer {
  readonly version: string;
  readonly predictions: readonly {
    readonly label: string;
    readonly output_probability: Readonly<Record<string, number>>;
  }[];
}

/** Requests that went through the endpoint during the roll-out. */
interface Traffic {
  readonly sent: number;
  readonly failed: readonly string[];
  readonly byVersion: Readonly<Record<string, number>>;
}

const folder = await mkdtemp(join(tmpdir(), 'muster-demo-'));
const environment = { ...process.env, XDG_CONFIG_HOME: join(folder, 'config') };
const port = await freePort();
const url = `http://localhost:${port}`;

say('1  Start Muster on a temporary folder', `muster up --data-dir ${join(folder, 'data')} --port ${port}`);
const server = spawn(process.execPath, [launcher, 'up', '--data-dir', join(folder, 'data'), '--port', String(port)], {
  env: environment,
  stdio: ['ignore', 'inherit', 'inherit'],
  detached: true,
});
const serverEnd = once(server, 'exit');
let isStopping = false;

async function stop(code: number): Promise<never> {
  if (!isStopping) {
    isStopping = true;
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      await serverEnd;
    }
    await rm(folder, { recursive: true, force: true });
  }
  process.exit(code);
}
process.on('SIGINT', () => void stop(130));
process.on('SIGTERM', () => void stop(143));

try {
  await untilReady();
  const token = await signIn();
  const failures = await show(token);
  if (failures.length > 0) {
    process.stdout.write(`\nThe demo failed:\n${failures.map((failure) => `  ✗ ${failure}\n`).join('')}`);
    await stop(1);
  }
  process.stdout.write(`\nMuster is on ${url} (the API: ${url}/api).\n`);
  if (process.argv.includes('--exit')) await stop(0);
  process.stdout.write('It stays up until Ctrl-C.\n');
  await serverEnd;
  await stop(0);
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}

/** Walks the path and returns what was not as it should be. */
async function show(token: string): Promise<readonly string[]> {
  const expected = JSON.parse(await readFile(join(example, 'heldout-expected.json'), 'utf8')) as Expected;
  const rows = await readFile(join(example, 'heldout.csv'), 'utf8');

  say(
    '2  Hand over a model file',
    `muster deploy examples/breast-cancer/model-v1.onnx --name ${endpoint} --sample … --signature …`,
  );
  await muster(
    'deploy',
    join(example, 'model-v1.onnx'),
    '--name',
    endpoint,
    '--sample',
    join(example, 'sample.csv'),
    '--signature',
    join(example, 'signature.json'),
  );

  say(
    '3  Send the rows that the model has not seen',
    `curl -H 'Content-Type: text/csv' --data-binary @examples/breast-cancer/heldout.csv ${url}/predict/${endpoint}`,
  );
  const answer = await predict(token, rows);
  const failures = [...compare(answer, expected)];

  say(
    '4  Roll out the second version under load',
    `muster deploy examples/breast-cancer/model-v2.onnx --name ${endpoint}`,
  );
  const traffic = await underLoad(token, rows, async () => {
    await muster('deploy', join(example, 'model-v2.onnx'), '--name', endpoint);
  });
  const versions = Object.entries(traffic.byVersion).map(([version, count]) => `${count} by version ${version}`);
  process.stdout.write(
    `\n  ${traffic.sent} requests while the version changed: ${versions.join(', ')}, ${traffic.failed.length} failed\n`,
  );
  if (traffic.failed.length > 0)
    failures.push(`${traffic.failed.length} requests failed during the roll-out, the first: ${traffic.failed[0]}`);
  if (Object.keys(traffic.byVersion).length < 2) failures.push('the second version answered nothing');
  return failures;
}

/** Shows predictions beside the recorded ones; yields every difference. */
function* compare(answer: Answer, expected: Expected): Generator<string> {
  const recorded = expected.versions['1'];
  if (recorded === undefined) throw new Error('heldout-expected.json has no version 1');
  let worst = 0;
  let right = 0;
  process.stdout.write('\n  row  predicted  P(benign)   recorded P  truth\n');
  for (const [row, prediction] of answer.predictions.entries()) {
    const probability = prediction.output_probability['benign'] ?? Number.NaN;
    const known = recorded.probabilities[row]?.[1] ?? Number.NaN;
    const truth = expected.true_labels[row];
    worst = Math.max(worst, Math.abs(probability - known));
    if (prediction.label === classes[truth ?? -1]) right += 1;
    if (row < 8)
      process.stdout.write(
        `  ${String(row + 1).padStart(3)}  ${prediction.label.padEnd(9)}  ${probability.toFixed(7)}  ${known.toFixed(7)}  ${classes[truth ?? -1]}\n`,
      );
  }
  const count = answer.predictions.length;
  process.stdout.write(
    `  … ${count} rows; accuracy ${(right / count).toFixed(4)}; largest difference from the training library ${worst.toExponential(1)}\n`,
  );
  if (count !== expected.true_labels.length) yield `${count} predictions for ${expected.true_labels.length} rows`;
  if (!(worst <= expected.tolerance)) yield `a probability differs by ${worst} from the recorded one`;
}

/** Keeps clients busy while `change` runs and a moment longer. */
async function underLoad(token: string, rows: string, change: () => Promise<void>): Promise<Traffic> {
  const lines = rows.trimEnd().split('\n');
  const byVersion: Record<string, number> = {};
  const failed: string[] = [];
  let sent = 0;
  const changed = new AbortController();
  const client = async (first: number): Promise<void> => {
    for (let row = first; !changed.signal.aborted; row += clients) {
      sent += 1;
      try {
        const { version } = await predict(token, `${lines[0]}\n${lines[1 + (row % (lines.length - 1))]}\n`);
        byVersion[version] = (byVersion[version] ?? 0) + 1;
      } catch (error) {
        failed.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  const load = Promise.all(Array.from({ length: clients }, async (_, at) => await client(at)));
  try {
    await change();
    await new Promise((resolve) => setTimeout(resolve, 500));
  } finally {
    changed.abort();
  }
  await load;
  return { sent, failed, byVersion };
}

async function predict(token: string, csv: string): Promise<Answer> {
  const response = await fetch(`${url}/predict/${endpoint}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    body: csv,
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

async function muster(...words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [launcher, ...words, '--server', url], {
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`muster ${words.join(' ')} ended with ${code}`);
}

/** The token that the first start saved for the command line. */
async function signIn(): Promise<string> {
  const saved = JSON.parse(await readFile(join(folder, 'config/muster/config.json'), 'utf8')) as {
    readonly tokens: Readonly<Record<string, string>>;
  };
  const token = saved.tokens[url];
  if (token === undefined) throw new Error('the first start saved no token');
  return token;
}

async function untilReady(): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (server.exitCode !== null) throw new Error('the server ended while it was starting');
    const isReady = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server was not ready within a minute');
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

function say(step: string, command: string): void {
  process.stdout.write(`\n${step}\n  $ ${command}\n\n`);
}
