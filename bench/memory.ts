import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Accepted, type Benchmark, figureOf } from './benchmark.ts';
import type { Series } from './chart.ts';
import { deployVersion, registerModel } from './deploy-model.ts';
import { inferBody, inferRequest } from './infer-request.ts';
import { makeInstallationFolder, startInstallation } from './installation.ts';
import type { LoadOrder, LoadReport } from './load-generator.ts';
import { rssBytesOf } from './process-usage.ts';
import { startOrderedProcess } from './process-orders.ts';
import { distributionOf, ratioOf } from './ratio.ts';

/*
 * A million predictions: does the memory of the gateway and of the runner stay where it was? The first fifth is not
 * counted: V8 grows its heap until it has seen what the load needs. After that the last fifth is compared with the second;
 * medians, because a heap is a saw. A leak of 50 bytes a request would be 30 MB over the 600,000 requests between them.
 */
const from = 'one run of 1,000,000 requests on 2 cores, November 2026';
const accepted: Accepted = { max: 1.15, from };
const clients = 64;
const fifths = 5;

export const memory: Benchmark = {
  name: 'memory',
  title: 'Memory over a million predictions',
  async measure({ isQuick, log }) {
    const total = isQuick ? 50_000 : 1_000_000;
    const folder = await makeInstallationFolder();
    const muster = await startInstallation(folder);
    const generator = startOrderedProcess<LoadOrder, LoadReport>('load-process.ts');
    try {
      const version = await registerModel(
        muster.client,
        'small',
        await readFile(fileURLToPath(new URL('../examples/breast-cancer/model-v2.onnx', import.meta.url))),
      );
      await deployVersion(muster.client, 'small', 'small', version);
      const rows = Array.from({ length: 16 }, (_, index) =>
        Array.from({ length: 30 }, (_value, column) => index + column / 8),
      );
      const requests = rows.map((row) => inferRequest('small', muster.token, inferBody('input', [row])));
      const [gateway = 0] = await muster.processesOf('main.js gateway');
      const [runner = 0] = (await muster.processesOf('runtime-onnx')).toReversed();

      const samples: {
        readonly part: number;
        readonly seconds: number;
        readonly gateway: number;
        readonly runner: number;
      }[] = [];
      const startMs = performance.now();
      let seconds = 0;
      for (let part = 0; part < fifths; part++) {
        const timer = setInterval(() => {
          void Promise.all([rssBytesOf(gateway), rssBytesOf(runner)]).then(([ofGateway, ofRunner]) =>
            samples.push({
              part,
              seconds: Math.round((performance.now() - startMs) / 1000),
              gateway: ofGateway,
              runner: ofRunner,
            }),
          );
        }, 250);
        const report = await generator.ask({
          port: muster.port,
          connections: clients,
          requests,
          warmUpMs: 0,
          durationMs: 3_600_000,
          maxAnswers: total / fifths,
          marker: '"outputs"',
        });
        clearInterval(timer);
        if (report.failures > 0)
          throw new Error(`${report.failures} requests failed, the first with ${report.firstFailure}`);
        seconds += report.seconds;
        log(`${((part + 1) * total) / fifths} predictions, ${Math.round(report.answers / report.seconds)} a second`);
      }
      const medianOf = (name: 'gateway' | 'runner', part: number): number =>
        distributionOf(samples.filter((sample) => sample.part === part).map((sample) => sample[name])).p50;
      const growth = (name: 'gateway' | 'runner') => ratioOf([medianOf(name, fifths - 1) / medianOf(name, 1)]);
      const slope = (name: 'gateway' | 'runner'): number =>
        Number(((medianOf(name, fifths - 1) - medianOf(name, 1)) / ((total * 3) / fifths)).toFixed(2));
      const line = (name: 'gateway' | 'runner', tone: Series['tone']): Series => ({
        name,
        tone,
        isDashed: false,
        points: Array.from({ length: fifths }, (_, part) => ({
          x: ((part + 1) * total) / fifths,
          y: Math.round(medianOf(name, part) / 1024 ** 2),
        })),
      });
      return {
        figures: (['gateway', 'runner'] as const).map((name) =>
          figureOf(
            `memory of the ${name}`,
            `median RSS during the last fifth of ${total} predictions / during the second fifth`,
            growth(name),
            accepted,
          ),
        ),
        values: {
          predictions: total,
          seconds: Math.round(seconds),
          bytesPerRequest: { gateway: slope('gateway'), runner: slope('runner') },
          rssMiB: Object.fromEntries(
            (['gateway', 'runner'] as const).map((name) => [
              name,
              Array.from({ length: fifths }, (_, part) => Math.round(medianOf(name, part) / 1024 ** 2)),
            ]),
          ),
        },
        curves: {
          title: 'Resident memory',
          across: 'predictions',
          up: 'MiB',
          series: [line('gateway', 'ours'), line('runner', 'peer')],
        },
      };
    } finally {
      await Promise.all([muster.stop(), generator.stop()]);
      await folder.remove();
    }
  },
};
