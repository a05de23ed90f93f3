import { InferenceSession, Tensor } from 'onnxruntime-node';
import { createRandom } from '../dense-network.ts';
import { answerOrders } from '../process-orders.ts';

/** Runs one batch after the other, with nothing around it. Options other than the number of threads are onnxruntime's own. */
export interface ModelLoopOrder {
  readonly file: string;
  readonly threads: number;
  /** Shape of the only input, an FP32 tensor. */
  readonly shape: readonly number[];
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export interface ModelLoopReport {
  readonly runs: number;
  readonly seconds: number;
}

let loaded: { readonly file: string; readonly session: InferenceSession } | undefined;

answerOrders(async ({ file, threads, shape, warmUpMs, durationMs }: ModelLoopOrder): Promise<ModelLoopReport> => {
  if (loaded?.file !== file) {
    await loaded?.session.release();
    loaded = {
      file,
      session: await InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1 }),
    };
  }
  const { session } = loaded;
  const random = createRandom(1);
  const data = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, random);
  const feeds = { [session.inputNames[0] ?? 'x']: new Tensor('float32', data, [...shape]) };
  const runFor = async (ms: number): Promise<ModelLoopReport> => {
    const startMs = performance.now();
    let runs = 0;
    while (performance.now() - startMs < ms) {
      await session.run(feeds);
      runs += 1;
    }
    return { runs, seconds: (performance.now() - startMs) / 1000 };
  };
  await runFor(warmUpMs);
  return await runFor(durationMs);
});
