import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Accepted, type Benchmark, figureOf } from './benchmark.ts';
import { deployVersion, registerModel } from './deploy-model.ts';
import { inferBody, inferRequest } from './infer-request.ts';
import { type Installation, makeInstallationFolder, startInstallation } from './installation.ts';
import type { LoadOrder, LoadReport } from './load-generator.ts';
import type { GatewayOrder, GatewayReport } from './peers/gateway.ts';
import { startOrderedProcess } from './process-orders.ts';
import { ratioOf } from './ratio.ts';
import { type Stage, runSide, summaryOf, takeTurns, warmUp } from './serving-stage.ts';

/*
 * The gateway's data plane (a) as it is, and (b) with authorization, limits and attribution switched out: same code around
 * it, same runner, same load of 32 clients, in turns. Every request comes with another of 1,000 tokens, each of an actor of
 * its own with a reach, a rate and a daily quota of its own, so nothing is shared and every request is limited.
 */
const accepted: Accepted = { min: 0.95, from: 'the goal' };
const clients = 32;
const actors = 1000;

export const authorization: Benchmark = {
  name: 'authorization',
  title: 'Authorization: the gateway against itself without deciding, limiting and attributing',
  async measure({ isQuick, log }) {
    const [rounds, durationMs] = isQuick ? [2, 700] : [9, 3000];
    const folder = await makeInstallationFolder();
    const muster = await startInstallation(folder);
    const generator = startOrderedProcess<LoadOrder, LoadReport>('load-process.ts');
    const whole = startOrderedProcess<GatewayOrder, GatewayReport>('peers/gateway.ts');
    const without = startOrderedProcess<GatewayOrder, GatewayReport>('peers/gateway.ts');
    try {
      const bodies = await deploySmall(muster);
      const table = await readFile(join(folder.path, 'data/gateway/routing-table.json'), 'utf8');
      const tokens = Array.from({ length: actors }, (_, index) => tokenOf(index));
      const [a, b] = await Promise.all([
        whole.ask({ table, tokens, isDecided: true }),
        without.ask({ table, tokens, isDecided: false }),
      ]);
      const ours = { port: a.port, pids: { gateway: whole.pid } };
      const bare = { port: b.port, pids: { gateway: without.pid } };
      const requests = tokens.map((token, index) => inferRequest('small', token, bodies[index % bodies.length] ?? ''));
      const stage: Stage = { isQuick, log, folder, muster, generator, requests, ours, bare };
      await warmUp(stage, ours);
      await warmUp(stage, bare);
      const pairs = await takeTurns(
        rounds,
        () => runSide(stage, ours, clients, durationMs),
        () => runSide(stage, bare, clients, durationMs),
      );
      const decided = summaryOf(pairs.map((pair) => pair.a));
      const undecided = summaryOf(pairs.map((pair) => pair.b));
      log(
        `${decided.perSecond.p50} predictions a second (CPU µs ${JSON.stringify(decided.cpuMicros)}), without ${undecided.perSecond.p50} (${JSON.stringify(undecided.cpuMicros)})`,
      );
      const ratio = ratioOf(pairs.map((pair) => pair.a.perSecond / pair.b.perSecond));
      return {
        figures: [
          figureOf(
            `throughput, ${clients} clients`,
            `predictions a second with ${actors} tokens and limits / without deciding, limiting and attributing`,
            ratio,
            accepted,
          ),
        ],
        values: { [`clients${clients}`]: { decided, undecided } },
      };
    } finally {
      await Promise.all([muster.stop(), generator.stop(), whole.stop(), without.stop()]);
      await folder.remove();
    }
  },
};

/** The model of bench/serving.ts; answers the bodies of its requests. */
async function deploySmall({ client }: Installation): Promise<readonly string[]> {
  const folder = fileURLToPath(new URL('../examples/breast-cancer/', import.meta.url));
  const version = await registerModel(client, 'small', await readFile(join(folder, 'model-v2.onnx')));
  await deployVersion(client, 'small', 'small', version);
  const lines = (await readFile(join(folder, 'heldout.csv'), 'utf8')).trim().split('\n').slice(1);
  return lines.map((line) => inferBody('input', [line.split(',').map(Number)]));
}

/** In the form of a token; these gateways know no others. */
function tokenOf(index: number): string {
  const text = createHash('sha512').update(String(index)).digest('hex');
  return `mstp_${text.slice(0, 49)}`;
}
