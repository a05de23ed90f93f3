import * as ort from 'onnxruntime-node';

type Ports = ort.InferenceSession['inputMetadata'];

/** What a run gave; `runMicros` is the time in the model. */
export interface SessionResult {
  readonly outputs: ort.InferenceSession.ReturnType;
  readonly runMicros: number;
}

/** A model that onnxruntime holds, in this thread or in another. What goes wrong is thrown in onnxruntime's words. */
export interface ModelSession {
  readonly inputMetadata: Ports;
  readonly outputMetadata: Ports;
  /** Runs one batch, one at a time. Large inputs may be given away: nobody reads them afterwards. */
  run(feeds: Readonly<Record<string, ort.Tensor>>, outputs: readonly string[]): Promise<SessionResult>;
  release(): Promise<void>;
}

/** Loads a model into this thread, which every run of it blocks. */
export async function openSessionHere(
  source: string | Uint8Array,
  options: ort.InferenceSession.SessionOptions,
): Promise<ModelSession> {
  const session =
    typeof source === 'string'
      ? await ort.InferenceSession.create(source, options)
      : await ort.InferenceSession.create(source, options);
  return {
    inputMetadata: session.inputMetadata,
    outputMetadata: session.outputMetadata,
    async run(feeds, outputs) {
      let startedAt = 0;
      // onnxruntime-node begins in the next turn of the event loop, right after this: what the turn does before is no part of the run.
      setImmediate(() => {
        startedAt = performance.now();
      });
      const results = await session.run(feeds, outputs);
      return { outputs: results, runMicros: Math.round((performance.now() - startedAt) * 1000) };
    },
    release: async () => await session.release(),
  };
}
