import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Accepted, type Figure, figureOf } from './benchmark.ts';
import { createRandom, writeDenseNetwork } from './dense-network.ts';
import { deployVersion, registerModel } from './deploy-model.ts';
import { binaryInferRequest, inferBody, inferRequest } from './infer-request.ts';
import type { ModelLoopOrder, ModelLoopReport } from './peers/model-loop.ts';
import type { OrderedProcess } from './process-orders.ts';
import { distributionOf, ratioOf } from './ratio.ts';
import { type Stage, sideOf, takeTurns } from './serving-stage.ts';

const columnsOfHeavy = 64;
const heavyBatch = 32;
/** Eight requests share a run, and as many wait for the next: on two cores, the model has one for itself. */
const rowsOfRequest = 4;
const heavyClients = 16;
const scanShape = [4, 3, 48, 192];

/** (a) against (c): models that take longer than two milliseconds a run, with batches of the same size on one thread. */
export async function againstModelLoop(
  stage: Stage,
  loop: OrderedProcess<ModelLoopOrder, ModelLoopReport>,
  accepted: Accepted,
): Promise<{ readonly figures: Figure[]; readonly values: object }> {
  const { muster, folder, generator, log } = stage;
  const [rounds, durationMs] = stage.isQuick ? [2, 1000] : [5, 4000];
  const random = createRandom(7);

  const network = join(folder.path, 'heavy.onnx');
  await writeFile(network, writeDenseNetwork({ widths: [columnsOfHeavy, 1536, 1536, 1536, 8], seed: 1 }));
  const row = (): number[] => Array.from({ length: columnsOfHeavy }, () => Math.fround(random()));
  const bodies = Array.from({ length: 64 }, () => inferBody('x', Array.from({ length: rowsOfRequest }, row)));
  const scans = fileURLToPath(new URL('../e2e/stories/scan-triage/text-orientation.onnx', import.meta.url));
  const pixels = Float32Array.from({ length: scanShape.reduce((product, size) => product * size, 1) }, random);

  const cases = [
    {
      name: 'dense',
      what: `a dense network, ${rowsOfRequest} rows a request in JSON, ${heavyClients} clients, batches of ${heavyBatch}`,
      file: network,
      shape: [heavyBatch, columnsOfHeavy],
      connections: heavyClients,
      rowsARequest: rowsOfRequest,
      requests: bodies.map((body) => inferRequest('dense', muster.token, body)),
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
    // A gateway that has just begun is not yet compiled.
    await ours();
    const pairs = await takeTurns(rounds, ours, peer);
    figures.push(
      figureOf(
        `rows a second, ${name}`,
        `rows a second of the endpoint / of the bare loop: ${what}`,
        ratioOf(pairs.map(({ a, b }) => a / ((b.runs * batch) / b.seconds))),
        accepted,
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
