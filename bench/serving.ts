import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { againstModelLoop } from './against-model-loop.ts';
import type { Benchmark, Figure } from './benchmark.ts';
import type { Series } from './chart.ts';
import { deployVersion, registerModel } from './deploy-model.ts';
import { type Rows, inferBody, inferRequest } from './infer-request.ts';
import { type Installation, makeInstallationFolder, startInstallation } from './installation.ts';
import type { LoadOrder, LoadReport } from './load-generator.ts';
import type { WritersOrder, WritersReport } from './management-writers.ts';
import type { BareHttpOrder, BareHttpReport } from './peers/bare-http.ts';
import type { ModelLoopOrder, ModelLoopReport } from './peers/model-loop.ts';
import { startOrderedProcess } from './process-orders.ts';
import { distributionOf } from './ratio.ts';
import {
  type Side,
  type Stage,
  type Target,
  figuresOf,
  runSide,
  summaryOf,
  takeTurns,
  warmUp,
} from './serving-stage.ts';

/*
 * An endpoint against what cannot be beaten: (a) the infer address of a real `muster up`, (b) a bare Node HTTP server that
 * parses the same JSON and answers a constant, from the same load generator on the same cores, and (c) the bare model in a
 * loop. (a) is three processes with the runner and has to share two cores with the generator; (b) is one.
 */

const from = '5 rounds on 2 cores, November 2026';
const accepted = {
  throughput: { 1: { min: 0.3, from }, 8: { min: 0.4, from }, 32: { min: 0.7, from }, 128: { min: 0.7, from } },
  p99: { 1: { max: 4, from }, 8: { max: 3, from }, 32: { max: 2, from }, 128: { max: 2, from } },
  writersThroughput: { min: 0.7, from },
  writersP99: { max: 2, from },
} as const;

const levels = [1, 8, 32, 128] as const;

export const serving: Benchmark = {
  name: 'serving',
  title: 'Serving: an endpoint against a bare HTTP server and a bare model loop',
  async measure({ isQuick, log }) {
    const folder = await makeInstallationFolder();
    const muster = await startInstallation(folder);
    const generator = startOrderedProcess<LoadOrder, LoadReport>('load-process.ts');
    const bare = startOrderedProcess<BareHttpOrder, BareHttpReport>('peers/bare-http.ts');
    const loop = startOrderedProcess<ModelLoopOrder, ModelLoopReport>('peers/model-loop.ts');
    try {
      const { requests, answer } = await deploySmall(muster);
      const { port } = await bare.ask({ answer });
      const [gateway = 0] = await muster.processesOf('main.js gateway');
      const runner = (await muster.processesOf('runtime-onnx')).at(-1) ?? 0;
      const ours = { port: muster.port, pids: { gateway, runner } };
      const stage: Stage = {
        isQuick,
        log,
        folder,
        muster,
        generator,
        requests,
        ours,
        bare: { port, pids: { server: bare.pid } },
      };
      const plain = await againstBareHttp(stage);
      const written = await whileManaged(stage);
      const loops = await againstModelLoop(stage, loop, { min: 0.9, from });
      return {
        figures: [...plain.figures, ...written.figures, ...loops.figures],
        values: { ...plain.values, ...written.values, ...loops.values },
        curves: { title: 'Latency', across: 'clients', up: 'ms', series: plain.series },
      };
    } finally {
      await Promise.all([muster.stop(), generator.stop(), bare.stop(), loop.stop()]);
      await folder.remove();
    }
  },
};

/** Gradient boosting of 150 trees on 30 features, one row a request, another row each time. */
async function deploySmall({
  client,
  token,
  url,
}: Installation): Promise<{ readonly requests: readonly Uint8Array[]; readonly answer: string }> {
  const folder = fileURLToPath(new URL('../examples/breast-cancer/', import.meta.url));
  const version = await registerModel(client, 'small', await readFile(join(folder, 'model-v2.onnx')));
  await deployVersion(client, 'small', 'small', version);
  const rows: Rows = (await readFile(join(folder, 'heldout.csv'), 'utf8'))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  const bodies = rows.map((row) => inferBody('input', [row]));
  const response = await fetch(`${url}/v2/models/small/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: bodies[0] ?? '',
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`the endpoint answered ${response.status}: ${answer}`);
  return { requests: bodies.map((body) => inferRequest('small', token, body)), answer };
}

async function againstBareHttp(
  stage: Stage,
): Promise<{ readonly figures: Figure[]; readonly values: object; readonly series: Series[] }> {
  const [rounds, durationMs] = stage.isQuick ? [2, 700] : [5, 3000];
  const { ours: oursTarget, bare } = stage;
  const figures: Figure[] = [];
  const values: Record<string, unknown> = {};
  const lines: Record<string, { x: number; y: number }[]> = { p50: [], p99: [], bareP50: [], bareP99: [] };
  await warmUp(stage, oursTarget);
  await warmUp(stage, bare);
  for (const clients of levels) {
    const pairs = await takeTurns(
      rounds,
      () => runSide(stage, oursTarget, clients, durationMs),
      () => runSide(stage, bare, clients, durationMs),
    );
    figures.push(
      ...figuresOf(
        `${clients} client${clients === 1 ? '' : 's'}`,
        pairs,
        accepted.throughput[clients],
        accepted.p99[clients],
        clients === 32,
      ),
    );
    const [ours, peer] = [summaryOf(pairs.map(({ a }) => a)), summaryOf(pairs.map(({ b }) => b))];
    values[`clients${clients}`] = { muster: ours, bareHttp: peer };
    stage.log(
      `${clients} clients: ${ours.perSecond.p50} predictions a second (CPU µs ${JSON.stringify(ours.cpuMicros)}), bare HTTP ${peer.perSecond.p50} (${JSON.stringify(peer.cpuMicros)})`,
    );
    lines['p50']?.push({ x: clients, y: ours.p50Ms });
    lines['p99']?.push({ x: clients, y: ours.p99Ms });
    lines['bareP50']?.push({ x: clients, y: peer.p50Ms });
    lines['bareP99']?.push({ x: clients, y: peer.p99Ms });
  }
  const series: Series[] = [
    { name: 'endpoint p50', tone: 'ours', isDashed: false, points: lines['p50'] ?? [] },
    { name: 'endpoint p99', tone: 'ours', isDashed: true, points: lines['p99'] ?? [] },
    { name: 'bare HTTP p50', tone: 'peer', isDashed: false, points: lines['bareP50'] ?? [] },
    { name: 'bare HTTP p99', tone: 'peer', isDashed: true, points: lines['bareP99'] ?? [] },
  ];
  return { figures, values, series };
}

/** (a) and (b) at 32 clients while eight clients write to the management API, of the same installation and through the same port. */
async function whileManaged(stage: Stage): Promise<{ readonly figures: Figure[]; readonly values: object }> {
  const { muster, log } = stage;
  const [rounds, durationMs] = stage.isQuick ? [2, 700] : [5, 3000];
  const endpoints = Array.from({ length: 8 }, (_, index) => `written-${index}`);
  for (const endpoint of endpoints) await deployVersion(muster.client, endpoint, 'small', 1);
  const writers = startOrderedProcess<WritersOrder, WritersReport>('writers-process.ts');
  const reports: WritersReport[] = [];
  try {
    const managed = async (target: Target): Promise<Side> => {
      const prefix = `written-${reports.length}`;
      const writing = writers.ask({
        url: muster.url,
        token: muster.token,
        endpoints,
        model: 'small',
        version: 1,
        durationMs: durationMs * 1.4,
        prefix,
      });
      const [side, report] = await Promise.all([runSide(stage, target, 32, durationMs), writing]);
      if (report.failures > 0)
        throw new Error(`${report.failures} writes failed, the first with ${report.firstFailure}`);
      reports.push(report);
      return side;
    };
    const pairs = await takeTurns(
      rounds,
      () => managed(stage.ours),
      () => managed(stage.bare),
    );
    const perSecond = distributionOf(reports.map(({ writes, seconds }) => writes / seconds));
    log(
      `while managed: ${distributionOf(pairs.map(({ a }) => a.perSecond)).p50} predictions and ${perSecond.p50} writes a second`,
    );
    return {
      figures: figuresOf('32 clients, while 8 write', pairs, accepted.writersThroughput, accepted.writersP99, true),
      values: {
        managed: {
          muster: summaryOf(pairs.map(({ a }) => a)),
          bareHttp: summaryOf(pairs.map(({ b }) => b)),
          writesPerSecond: perSecond,
        },
      },
    };
  } finally {
    await writers.stop();
  }
}
