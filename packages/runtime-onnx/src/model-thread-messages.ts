import type { InferenceSession, Tensor } from 'onnxruntime-node';

/** A tensor of numbers as it goes from thread to thread. */
export interface SentTensor {
  readonly type: Tensor.Type;
  readonly dims: readonly number[];
  readonly data: Exclude<Tensor.DataType, string[]>;
}

export type SentTensors = Readonly<Record<string, SentTensor>>;

/** What the thread of the models is asked; each question is answered with its number. */
export type ModelThreadQuestion = { readonly question: number } & (
  | { readonly kind: 'open'; readonly source: string | Uint8Array; readonly options: InferenceSession.SessionOptions }
  | { readonly kind: 'run'; readonly session: number; readonly feeds: SentTensors; readonly outputs: readonly string[] }
  | { readonly kind: 'release'; readonly session: number }
);

/** Ports of a session that was opened; it is called by the number of the question. */
export type OpenedSession = Pick<InferenceSession, 'inputMetadata' | 'outputMetadata'>;

export interface ThreadResult {
  readonly outputs: SentTensors;
  readonly runMicros: number;
}

export type ModelThreadAnswer = { readonly question: number } & (
  | { readonly kind: 'opened'; readonly ports: OpenedSession }
  | { readonly kind: 'ran'; readonly result: ThreadResult }
  | { readonly kind: 'released' }
  /** In onnxruntime's words. */
  | { readonly kind: 'failed'; readonly message: string }
);
