import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Accepted, type Benchmark, type Figure, figureOf } from './benchmark.ts';
import type { Series } from './chart.ts';
import { createRandom, writeDenseNetwork } from './dense-network.ts';
import { deployVersion, registerModel } from './deploy-model.ts';
import { type Rows, binaryInferRequest, inferBody, inferRequest } from './infer-request.ts';
import {
  type Installation,
  type InstallationFolder,
  makeInstallationFolder,
  startInstallation,
} from './installation.ts';
import { quantileOf } from './latency-histogram.ts';
import type { LoadOrder, LoadReport } from './load-generator.ts';
import type { WritersOrder, WritersReport } from './management-writers.ts';
import type { BareHttpOrder, BareHttpReport } from './peers/bare-http.ts';
import type { ModelLoopOrder, ModelLoopReport } from './peers/model-loop.ts';
import { type OrderedProcess, startOrderedProcess } from './process-orders.ts';
import { cpuSecondsOf } from './process-usage.ts';
import { distributionOf, ratioOf } from './ratio.ts';

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
  rows: { min: 0.9, from },
} as const;

const levels = [1, 8, 32, 128] as const;
const columnsOfHeavy = 64;
const heavyBatch = 32;
const scanShape = [4, 3, 48, 192];

interface Stage {
  readonly isQuick: boolean;
  readonly log: (line: string) => void;
  readonly folder: InstallationFolder;
  readonly muster: Installation;
  readonly generator: OrderedProcess<LoadOrder, LoadReport>;
  /** Requests for the small model and the port where (b) answers them. */
  readonly requests: readonly Uint8Array[];
  readonly ours: Target;
  readonly bare: Target;
}

/** What a load is sent to, and the processes whose CPU time it costs. */
interface Target {
  readonly port: number;
  readonly pids: Readonly<Record<string, number>>;
}

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
      const loops = await againstModelLoop(stage, loop);
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

interface Side {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly latencies: Uint32Array;
  /** CPU time by process that each answer took: tells where the time goes, and is the same on a busy machine. */
  readonly cpuMicros: Readonly<Record<string, number>>;
}

async function runSide(stage: Stage, { port, pids }: Target, connections: number, durationMs: number): Promise<Side> {
  const names = Object.keys(pids);
  const usage = async (): Promise<number[]> => await Promise.all(Object.values(pids).map(cpuSecondsOf));
  const before = await usage();
  const warmUpMs = durationMs / 5;
  const report = await stage.generator.ask({
    port,
    connections,
    requests: stage.requests,
    warmUpMs,
    durationMs,
    marker: '"outputs"',
  });
  const after = await usage();
  const answers = report.answers * (1 + warmUpMs / durationMs);
  const cpuMicros = names.map((name, index) => [
    name,
    Math.round((((after[index] ?? 0) - (before[index] ?? 0)) / answers) * 1e6),
  ]);
  return { ...sideOf(report), cpuMicros: Object.fromEntries(cpuMicros) as Record<string, number> };
}

/** V8 goes on compiling for tens of thousands of requests: what it measured before that would be its compilers. */
async function warmUp({ generator, requests, isQuick }: Stage, { port }: Target): Promise<void> {
  const maxAnswers = isQuick ? 10_000 : 100_000;
  sideOf(
    await generator.ask({
      port,
      connections: 32,
      requests,
      warmUpMs: 0,
      durationMs: 300_000,
      maxAnswers,
      marker: '"outputs"',
    }),
  );
}

function sideOf(report: LoadReport): Omit<Side, 'cpuMicros'> {
  if (report.failures > 0) throw new Error(`${report.failures} requests failed, the first with ${report.firstFailure}`);
  const { latencies } = report;
  return {
    perSecond: report.answers / report.seconds,
    p50Ms: quantileOf([latencies], 0.5),
    p99Ms: quantileOf([latencies], 0.99),
    latencies,
  };
}

/** Rounds of (a) and (b), in changing order so that a drift of the machine hits both. */
async function takeTurns<A, B>(
  rounds: number,
  ours: () => Promise<A>,
  peer: () => Promise<B>,
): Promise<{ readonly a: A; readonly b: B }[]> {
  const pairs: { readonly a: A; readonly b: B }[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const a = await ours();
      pairs.push({ a, b: await peer() });
    } else {
      const b = await peer();
      pairs.push({ a: await ours(), b });
    }
  }
  return pairs;
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

function figuresOf(
  name: string,
  pairs: readonly { readonly a: Side; readonly b: Side }[],
  throughput: Accepted,
  p99: Accepted,
  isGoal: boolean,
): Figure[] {
  const rates = ratioOf(pairs.map(({ a, b }) => a.perSecond / b.perSecond));
  const tails = ratioOf(pairs.map(({ a, b }) => a.p99Ms / b.p99Ms));
  return [
    figureOf(
      `throughput, ${name}`,
      'predictions a second of the endpoint / answers a second of bare HTTP',
      rates,
      throughput,
      isGoal ? '≥ 0.7' : undefined,
    ),
    figureOf(`p99, ${name}`, 'p99 latency of the endpoint / of bare HTTP', tails, p99, isGoal ? '≤ 2' : undefined),
  ];
}

function summaryOf(sides: readonly Side[]) {
  const latencies = sides.map((side) => side.latencies);
  const toMicros = (ms: number): number => Number(ms.toFixed(3));
  const cpuMicros = Object.fromEntries(
    Object.keys(sides[0]?.cpuMicros ?? {}).map((name) => [
      name,
      distributionOf(sides.map((side) => side.cpuMicros[name] ?? 0)).p50,
    ]),
  );
  return {
    perSecond: distributionOf(sides.map(({ perSecond }) => perSecond)),
    cpuMicros,
    p50Ms: toMicros(quantileOf(latencies, 0.5)),
    p99Ms: toMicros(quantileOf(latencies, 0.99)),
  };
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

/** (a) against (c): models that take longer than two milliseconds a run, with batches of the same size on one thread. */
async function againstModelLoop(
  stage: Stage,
  loop: OrderedProcess<ModelLoopOrder, ModelLoopReport>,
): Promise<{ readonly figures: Figure[]; readonly values: object }> {
  const { muster, folder, generator, log } = stage;
  const [rounds, durationMs] = stage.isQuick ? [2, 1000] : [5, 4000];
  const random = createRandom(7);

  const network = join(folder.path, 'heavy.onnx');
  await writeFile(network, writeDenseNetwork({ widths: [columnsOfHeavy, 1536, 1536, 1536, 8], seed: 1 }));
  const rows = Array.from({ length: 64 }, () => Array.from({ length: columnsOfHeavy }, () => Math.fround(random())));
  const scans = fileURLToPath(new URL('../e2e/stories/scan-triage/text-orientation.onnx', import.meta.url));
  const pixels = Float32Array.from({ length: scanShape.reduce((product, size) => product * size, 1) }, random);

  const cases = [
    {
      name: 'dense',
      what: `a dense network, one row a request in JSON, 64 clients, batches of ${heavyBatch}`,
      file: network,
      shape: [heavyBatch, columnsOfHeavy],
      connections: 64,
      rowsARequest: 1,
      requests: rows.map((row) => inferRequest('dense', muster.token, inferBody('x', [row]))),
    },
    {
      name: 'scans',
      what: `a convolutional network, ${scanShape[0]} pictures a request as binary tensors, 4 clients`,
      file: scans,
      shape: scanShape,
      connections: 4,
      rowsARequest: scanShape[0] ?? 1,
      requests: [binaryInferRequest('scans', muster.token, 'x', scanShape, pixels)],
    },
  ];
  const figures: Figure[] = [];
  const values: Record<string, unknown> = {};
  for (const { name, what, file, shape, connections, rowsARequest, requests } of cases) {
    const batch = shape[0] ?? 1;
    const version = await registerModel(muster.client, name, await readFile(file));
    await deployVersion(muster.client, name, name, version, {
      ownRunner: true,
      batching: { maxRows: batch, waitMs: 0 },
    });
    const ours = async (): Promise<number> => {
      const side = sideOf(
        await generator.ask({
          port: muster.port,
          connections,
          requests,
          warmUpMs: durationMs / 3,
          durationMs,
          marker: '"outputs"',
        }),
      );
      return side.perSecond * rowsARequest;
    };
    const peer = async (): Promise<ModelLoopReport> =>
      await loop.ask({ file, threads: 1, shape, warmUpMs: durationMs / 10, durationMs });
    const pairs = await takeTurns(rounds, ours, peer);
    figures.push(
      figureOf(
        `rows a second, ${name}`,
        `rows a second of the endpoint / of the bare loop: ${what}`,
        ratioOf(pairs.map(({ a, b }) => a / ((b.runs * batch) / b.seconds))),
        accepted.rows,
        '≥ 0.9',
      ),
    );
    const runMs = distributionOf(pairs.map(({ b }) => (b.seconds * 1000) / b.runs));
    values[name] = {
      rowsPerSecond: distributionOf(pairs.map(({ a }) => a)),
      loopRowsPerSecond: distributionOf(pairs.map(({ b }) => (b.runs * batch) / b.seconds)),
      loopRunMs: runMs,
    };
    log(`${name}: a run of the bare loop takes ${runMs.p50} ms`);
  }
  return { figures, values };
}
