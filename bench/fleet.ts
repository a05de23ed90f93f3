import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Accepted, type Benchmark, type Figure, figureOf } from './benchmark.ts';
import { writeDenseNetwork } from './dense-network.ts';
import { deployVersion, forEachOf, registerModel } from './deploy-model.ts';
import { inferBody } from './infer-request.ts';
import { type Installation, makeInstallationFolder, startInstallation } from './installation.ts';
import type { BareSessionsOrder, BareSessionsReport } from './peers/bare-sessions.ts';
import { commandOf, pssBytesOf } from './process-usage.ts';
import { startOrderedProcess } from './process-orders.ts';
import { distributionOf, ratioOf } from './ratio.ts';

/*
 * Many small models in one `muster up`: memory of the whole system, cold loads, new runners, and the way back after a
 * restart. Divided by what one bare process needs that loads the same files with onnxruntime and keeps them.
 */
const from = 'one run each of 50 and 1,000 models on 2 cores, November 2026';

interface AcceptedOfFleet {
  readonly memory: Accepted;
  readonly load: Accepted;
  readonly restart: Accepted;
}

const accepted: Readonly<Record<number, AcceptedOfFleet>> = {
  50: { memory: { max: 8, from }, load: { max: 3, from }, restart: { max: 20, from } },
  1000: { memory: { max: 7, from }, load: { max: 3, from }, restart: { max: 8, from } },
};
const limits = { memoryBytes: 1024 ** 3, loadMs: 20, from: 'the goal itself' };
const newRunner: Accepted = { max: 4, from };

/** 4,130 weights, 17 kB: about what a small scikit-learn pipeline takes. */
const widths = [30, 64, 32, 2];
const parallel = 8;

export const fleet: Benchmark = {
  name: 'fleet',
  title: 'Fleet: 50 and 1,000 small models in one installation',
  async measure({ isQuick, log }) {
    const figures: Figure[] = [];
    const values: Record<string, unknown> = {};
    for (const count of isQuick ? [50] : [50, 1000]) {
      const measured = await measureFleet(count, isQuick ? 3 : 10, log);
      figures.push(...measured.figures);
      values[`models${count}`] = measured.values;
    }
    return { figures, values };
  },
};

async function measureFleet(
  count: number,
  runners: number,
  log: (line: string) => void,
): Promise<{ readonly figures: Figure[]; readonly values: object }> {
  const folder = await makeInstallationFolder();
  const names = Array.from({ length: count }, (_, index) => `fleet-${index}`);
  const fileOf = (name: string): string => join(folder.path, 'models', `${name}.onnx`);
  await mkdir(join(folder.path, 'models'));
  for (const [seed, name] of names.entries()) await writeFile(fileOf(name), writeDenseNetwork({ widths, seed }));

  const bare = await measureBare(names.map(fileOf));
  let muster = await startInstallation(folder);
  try {
    const startMs = performance.now();
    const deployMs: number[] = [];
    await forEachOf([...names.entries()], parallel, async ([seed, name]) => {
      const version = await registerModel(muster.client, name, writeDenseNetwork({ widths, seed }));
      const deployedFromMs = performance.now();
      await deployVersion(muster.client, name, name, version);
      deployMs.push(performance.now() - deployedFromMs);
    });
    const allDeployedMs = performance.now() - startMs;
    log(`${count} models deployed in ${(allDeployedMs / 1000).toFixed(1)} s`);
    await untilAllAnswer(muster, names);
    const memory = await memoryOf(muster);
    const loadMs = await loadTimes(muster, names);
    const newRunners = await measureNewRunners(muster, runners, fileOf(names[0] ?? ''));

    const { port } = muster;
    await muster.stop();
    const restartedFromMs = performance.now();
    muster = await startInstallation(folder, { port });
    const { readyMs } = muster;
    await untilAllAnswer(muster, names);
    const restartMs = performance.now() - restartedFromMs;
    const afterRestart = await memoryOf(muster);
    log(
      `memory ${mebibytes(memory.total)} MiB, ${mebibytes(afterRestart.total)} after a restart; all answer again after ${(restartMs / 1000).toFixed(1)} s`,
    );

    const {
      memory: acceptedMemory,
      load,
      restart,
    } = accepted[count] ?? { memory: { from }, load: { from }, restart: { from } };
    const [ours, peer] = [distributionOf(loadMs), distributionOf(bare.loadMs)];
    const of = `${count} models`;
    const most = Math.max(memory.total, afterRestart.total);
    return {
      figures: [
        figureOf(
          `memory, ${of}`,
          'PSS of all processes / PSS of a bare process with the same models loaded',
          ratioOf([most / bare.pssBytes]),
          acceptedMemory,
        ),
        figureOf(
          `memory of 1 GiB, ${of}`,
          'PSS of all processes / 1 GiB',
          ratioOf([most / limits.memoryBytes]),
          { max: 1, from: limits.from },
          '≤ 1',
        ),
        figureOf(
          `cold load, ${of}`,
          'median time to load and warm a replica / to load and run it in a bare process',
          ratioOf([ours.p50 / peer.p50]),
          load,
        ),
        figureOf(
          `cold load p99 of 20 ms, ${of}`,
          'p99 of the time to load and warm a replica / 20 ms',
          ratioOf([ours.p99 / limits.loadMs]),
          { max: 1, from: limits.from },
          '≤ 1',
        ),
        figureOf(
          `new runner, ${of}`,
          'from the deployment of a model with a runner of its own to ready / start of a bare process to its first answer',
          ratioOf(newRunners.map(({ muster: a, bare: b }) => a / b)),
          newRunner,
        ),
        figureOf(
          `restart, ${of}`,
          'start of `muster up` until every endpoint has answered / start of a bare process until it has loaded and run all',
          ratioOf([restartMs / bare.startMs]),
          restart,
        ),
      ],
      values: {
        deployAllSeconds: seconds(allDeployedMs),
        deployMs: distributionOf(deployMs),
        coldLoadMs: ours,
        bareLoadMs: peer,
        newRunnerMs: distributionOf(newRunners.map(({ muster: ms }) => ms)),
        bareRunnerMs: distributionOf(newRunners.map(({ bare: ms }) => ms)),
        memoryMiB: memory.byProcess,
        memoryAfterRestartMiB: afterRestart.byProcess,
        bareMemoryMiB: mebibytes(bare.pssBytes),
        restart: { readySeconds: seconds(readyMs), allAnswerSeconds: seconds(restartMs) },
      },
    };
  } finally {
    await muster.stop();
    await folder.remove();
  }
}

/** One process that loads the same files one after the other. */
async function measureBare(files: readonly string[]): Promise<BareSessionsReport & { readonly startMs: number }> {
  const startMs = performance.now();
  const sessions = startOrderedProcess<BareSessionsOrder, BareSessionsReport>('peers/bare-sessions.ts');
  try {
    const report = await sessions.ask({ files, columns: widths[0] ?? 0 });
    return { ...report, startMs: performance.now() - startMs };
  } finally {
    await sessions.stop();
  }
}

/** Asks every endpoint until it has answered once. */
async function untilAllAnswer(muster: Installation, names: readonly string[]): Promise<void> {
  const body = inferBody('x', [Array.from({ length: widths[0] ?? 0 }, () => 0.5)]);
  const headers = { authorization: `Bearer ${muster.token}`, 'content-type': 'application/json' };
  const deadlineMs = performance.now() + 120_000;
  await forEachOf(names, parallel, async (name) => {
    for (;;) {
      const answer = await fetch(`${muster.url}/v2/models/${name}/infer`, { method: 'POST', headers, body });
      const text = await answer.text();
      if (answer.status === 200) return;
      if (performance.now() > deadlineMs)
        throw new Error(`${name} still answers ${answer.status}: ${text.slice(0, 300)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
}

/** Times of load and warm-up, as the replicas' runners measured them. */
async function loadTimes(muster: Installation, names: readonly string[]): Promise<number[]> {
  const loadMs: number[] = [];
  await forEachOf(names, parallel, async (endpoint) => {
    const { deployments } = await muster.client.call('endpointGet', { params: { endpoint } });
    for (const { replicas } of deployments)
      for (const replica of replicas) if (replica.loadMs !== undefined) loadMs.push(replica.loadMs);
  });
  if (loadMs.length < names.length)
    throw new Error(`only ${loadMs.length} of ${names.length} replicas tell how long they took to load`);
  return loadMs;
}

/** Deployments with a runner of their own, each beside the start of a bare process. */
async function measureNewRunners(
  muster: Installation,
  count: number,
  file: string,
): Promise<{ readonly muster: number; readonly bare: number }[]> {
  const pairs: { readonly muster: number; readonly bare: number }[] = [];
  for (let index = 0; index < count; index++) {
    const endpoint = `own-runner-${index}`;
    const startMs = performance.now();
    await deployVersion(muster.client, endpoint, 'fleet-0', 1, { ownRunner: true });
    await untilAllAnswer(muster, [endpoint]);
    const ms = performance.now() - startMs;
    await muster.client.call('endpointDelete', { params: { endpoint } });
    pairs.push({ muster: ms, bare: (await measureBare([file])).startMs });
  }
  return pairs;
}

/** Proportional set size by process: what they share counts once in all. */
async function memoryOf(
  muster: Installation,
): Promise<{ readonly total: number; readonly byProcess: Readonly<Record<string, number>> }> {
  const byProcess: Record<string, number> = {};
  let total = 0;
  for (const pid of await muster.processes()) {
    const bytes = await pssBytesOf([pid]);
    const command = await commandOf(pid);
    const name =
      /main\.js (?<role>\w+)/.exec(command)?.groups?.['role'] ??
      (command.includes('runtime-onnx') ? 'runners' : 'others');
    byProcess[name] = mebibytes(bytes) + (byProcess[name] ?? 0);
    total += bytes;
  }
  return { total, byProcess: { ...byProcess, all: mebibytes(total) } };
}

function mebibytes(bytes: number): number {
  return Math.round((bytes / 1024 ** 2) * 10) / 10;
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
