import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Benchmark, figureOf } from './benchmark.ts';
import { keepTrack } from './children.ts';
import { inferBody } from './infer-request.ts';
import {
  type Installation,
  type InstallationFolder,
  makeInstallationFolder,
  startInstallation,
} from './installation.ts';
import { commandLineProgram } from './published-programs.ts';
import { distributionOf, ratioOf } from './ratio.ts';

/*
 * How long somebody waits: for an empty server, for the command line, and from `muster deploy` to the first prediction.
 * Each is divided by the start of Node itself (`node -e 0`), measured right before it: what no program of this kind can beat.
 */
const from = '10 rounds on 2 cores, November 2026';
const accepted = {
  ready: { max: 60, from },
  version: { max: 4, from },
  deploy: { max: 40, from },
} as const;

const example = fileURLToPath(new URL('../examples/breast-cancer/', import.meta.url));

export const start: Benchmark = {
  name: 'start',
  title: 'Start: an empty server, the command line, the first prediction',
  async measure({ isQuick, log }) {
    const rounds = isQuick ? 2 : 10;
    const bareMs: number[] = [];
    const readyMs: number[] = [];
    const versionMs: number[] = [];
    const deployMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      bareMs.push(await timeOf(['-e', '0'], process.env));
      readyMs.push(await inNewInstallation(async ({ readyMs: ms }) => ms));
    }
    await inNewInstallation(async (muster, folder) => {
      for (let round = 0; round < rounds; round++) {
        bareMs.push(await timeOf(['-e', '0'], process.env));
        versionMs.push(await timeOf([commandLineProgram, '--version'], folder.environment));
        bareMs.push(await timeOf(['-e', '0'], process.env));
        deployMs.push(await firstPrediction(muster, folder, `first-${round}`));
      }
    });
    const bareAt = (index: number): number => bareMs[index] ?? NaN;
    log(
      `node -e 0 ${distributionOf(bareMs).p50} ms, server ${distributionOf(readyMs).p50} ms, --version ${distributionOf(versionMs).p50} ms, deploy to prediction ${distributionOf(deployMs).p50} ms`,
    );
    return {
      figures: [
        figureOf(
          'empty server to ready',
          'start of `muster up` on an empty folder to the first 200 of /readyz / `node -e 0`',
          ratioOf(readyMs.map((ms, round) => ms / bareAt(round))),
          accepted.ready,
        ),
        figureOf(
          'muster --version',
          '`muster --version` / `node -e 0`',
          ratioOf(versionMs.map((ms, round) => ms / bareAt(rounds + 2 * round))),
          accepted.version,
        ),
        figureOf(
          'deploy to first prediction',
          'start of `muster deploy` to the first 200 of the endpoint / `node -e 0`',
          ratioOf(deployMs.map((ms, round) => ms / bareAt(rounds + 2 * round + 1))),
          accepted.deploy,
        ),
      ],
      values: {
        nodeMs: distributionOf(bareMs),
        readyMs: distributionOf(readyMs),
        versionMs: distributionOf(versionMs),
        deployToPredictionMs: distributionOf(deployMs),
      },
    };
  },
};

async function inNewInstallation<T>(
  work: (muster: Installation, folder: InstallationFolder) => Promise<T>,
): Promise<T> {
  const folder = await makeInstallationFolder();
  const muster = await startInstallation(folder);
  try {
    return await work(muster, folder);
  } finally {
    await muster.stop();
    await folder.remove();
  }
}

/** Milliseconds from the start of a Node process to its end, which must be a good one. */
async function timeOf(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const startMs = performance.now();
  const child = spawn(process.execPath, words, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  keepTrack(child);
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (problems += chunk));
  await once(child, 'close');
  if (child.exitCode !== 0)
    throw new Error(
      `node ${words.join(' ')} ended with ${child.exitCode ?? child.signalCode}: ${problems.slice(-2000)}`,
    );
  return performance.now() - startMs;
}

/** Milliseconds from the start of `muster deploy` to the first good answer of the endpoint, which is asked all the while. */
async function firstPrediction(muster: Installation, folder: InstallationFolder, endpoint: string): Promise<number> {
  const startMs = performance.now();
  const words = [
    commandLineProgram,
    'deploy',
    join(example, 'model-v2.onnx'),
    '--name',
    endpoint,
    '--server',
    muster.url,
  ];
  const deploy = timeOf(words, folder.environment);
  let hasFailed = false;
  deploy.catch(() => (hasFailed = true));
  const body = inferBody('input', [Array.from({ length: 30 }, () => 1)]);
  for (;;) {
    const answer = await fetch(`${muster.url}/v2/models/${endpoint}/infer`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${muster.token}`, 'content-type': 'application/json' },
    });
    await answer.arrayBuffer();
    if (answer.status === 200) break;
    if (hasFailed) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const ms = performance.now() - startMs;
  await deploy;
  return ms;
}
