import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { answerOrders } from '../process-orders.ts';
import { pssBytesOf } from '../process-usage.ts';

/** Loads models one after the other and keeps them: what a fleet costs with nothing around it. */
export interface BareSessionsOrder {
  readonly files: readonly string[];
  /** Columns of the only input, an FP32 matrix. */
  readonly columns: number;
}

export interface BareSessionsReport {
  /** From opening the file to the first answer, of each model. */
  readonly loadMs: readonly number[];
  /** Proportional set size of this process with all of them. */
  readonly pssBytes: number;
}

const sessions: InferenceSession[] = [];

answerOrders(async ({ files, columns }: BareSessionsOrder): Promise<BareSessionsReport> => {
  const row = new Tensor('float32', new Float32Array(columns), [1, columns]);
  const loadMs: number[] = [];
  for (const file of files) {
    const startMs = performance.now();
    const session = await InferenceSession.create(await readFile(file), {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      enableCpuMemArena: false,
    });
    await session.run({ [session.inputNames[0] ?? 'x']: row });
    loadMs.push(performance.now() - startMs);
    sessions.push(session);
  }
  return { loadMs, pssBytes: await pssBytesOf([process.pid]) };
});
