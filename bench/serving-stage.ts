import { type Accepted, type Figure, figureOf } from './benchmark.ts';
import type { Installation, InstallationFolder } from './installation.ts';
import { quantileOf } from './latency-histogram.ts';
import type { LoadOrder, LoadReport } from './load-generator.ts';
import type { OrderedProcess } from './process-orders.ts';
import { cpuSecondsOf } from './process-usage.ts';
import { distributionOf, ratioOf } from './ratio.ts';

/** What the measurements of serving share. */
export interface Stage {
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
export interface Target {
  readonly port: number;
  readonly pids: Readonly<Record<string, number>>;
}

/** One load on one target. */
export interface Side {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly latencies: Uint32Array;
  /** CPU time by process that each answer took: tells where the time goes, and is the same on a busy machine. */
  readonly cpuMicros: Readonly<Record<string, number>>;
}

/** Loads a target from so many connections, after a fifth of the time that does not count. Throws if any answer was not good. */
export async function runSide(
  stage: Stage,
  { port, pids }: Target,
  connections: number,
  durationMs: number,
): Promise<Side> {
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
export async function warmUp({ generator, requests, isQuick }: Stage, { port }: Target): Promise<void> {
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

/** A report as one side of a ratio. Throws if any answer was not good. */
export function sideOf(report: LoadReport): Omit<Side, 'cpuMicros'> {
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
export async function takeTurns<A, B>(
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

/** Throughput and p99 latency of (a) by those of (b). */
export function figuresOf(
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

/** The rounds of one side, for the record. */
export function summaryOf(sides: readonly Side[]) {
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
