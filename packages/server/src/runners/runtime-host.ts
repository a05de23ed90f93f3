import type { Problem, ReplicaOptions } from '@muster-ml/protocol';

/** What control wants to run, whole: the host starts what is missing, reloads what changed and ends what is gone. */
export interface RunnerWish {
  /** Stable id; also names the socket. */
  readonly id: string;
  readonly runtime: 'onnx';
  readonly team: string;
  /** A pack holds small models of one team; `own` holds one deployment's replica. */
  readonly kind: 'pack' | 'own';
  readonly limits: { readonly cpu?: number | undefined; readonly memoryBytes?: number | undefined };
  readonly replicas: readonly ReplicaWish[];
}

export interface ReplicaWish {
  readonly id: string;
  /** Local path of the model file; the host makes it visible, read-only, inside the runner's cage. */
  readonly file: string;
  /** SHA-256 of the file, to name it inside the cage. */
  readonly digest: string;
  readonly options: ReplicaOptions;
  /** Local path of the sample (an object: OIP tensors as JSON header and bytes, see protocol/runtime/sample.ts), if any. */
  readonly sampleFile?: string | undefined;
}

export interface ReplicaObservation {
  readonly id: string;
  readonly state: 'waiting' | 'loading' | 'ready' | 'failed' | 'unready';
  readonly problem?: Problem;
  readonly loadMs?: number;
  readonly memoryBytes?: number;
  /** Runs since it was loaded, and the time inside the model in all: long runs block the neighbours in a pack. */
  readonly runs?: number;
  readonly runMicros?: number;
}

export interface RunnerObservation {
  readonly id: string;
  readonly state: 'starting' | 'running' | 'restarting' | 'failed';
  readonly pid: number | null;
  /** Where the gateway reaches it: `unix:/path` or `tcp:host:port`. Known from the wish on, also while it restarts. */
  readonly address: string;
  readonly startedAt: number | null;
  readonly restarts: number;
  readonly rssBytes: number | null;
  readonly cpuMicros: number | null;
  readonly isolation: string;
  readonly problem?: Problem;
  readonly replicas: readonly ReplicaObservation[];
}

/** The runtime host as control sees it: the supervisor on one machine, Kubernetes later. Control only asks. */
export interface RuntimeHost {
  /** Replaces the whole list. Idempotent; returns when the host has taken note, not when it is done. */
  want(wishes: readonly RunnerWish[]): Promise<void>;
  /** The last known state; never blocks. */
  observed(): readonly RunnerObservation[];
  /** Address that a runner of this id has or will have. */
  addressOf(runnerId: string): string;
  /** Calls back whenever `observed` changed; the answer ends it. */
  onChange(callback: () => void): () => void;
  readonly isolation: { readonly level: string; readonly advice: string };
}

/** How an inspection ended: with what the program printed, or why there is nothing to read. `detail` names no path of ours. */
export type InspectionEnd =
  | { readonly outcome: 'done'; readonly text: string }
  | { readonly outcome: 'failed' | 'timeout' | 'memory' | 'output' | 'cancelled'; readonly detail: string };

/** Where a model file can be looked at without trusting it. */
export interface InspectionHost {
  /**
   * Runs the inspection program of the runtime on a local file, caged and limited like a runner, a few at a time. The signal
   * kills it. `digest` is the file's SHA-256. Never throws.
   */
  inspect(file: string, digest: string, signal?: AbortSignal): Promise<InspectionEnd>;
}
