import type {
  EnvironmentSpec,
  Problem,
  PythonFormat,
  PythonReplica,
  ReplicaOptions,
  Runtime,
} from '@muster-ml/protocol';

/** What control wants to run, whole: the host starts what is missing, reloads what changed and ends what is gone. */
export interface RunnerWish {
  /** Stable id; also names the socket. */
  readonly id: string;
  readonly runtime: Runtime;
  readonly team: string;
  /** A pack holds small models of one team; `own` holds one deployment's replica. */
  readonly kind: 'pack' | 'own';
  readonly limits: { readonly cpu?: number | undefined; readonly memoryBytes?: number | undefined };
  readonly replicas: readonly ReplicaWish[];
  /** Of a Python runner: the host makes the environment where it is not there. */
  readonly environment?: EnvironmentSpec | undefined;
  /** Threads that the numeric libraries of a Python runner may use. */
  readonly threads?: number | undefined;
  /**
   * Environment variables of a Python runner that are shown to nobody. A change takes effect at its next start, and is no
   * reason for one.
   */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** Why it must not be started although it is wished; what runs goes on. */
  readonly refusal?: Problem | undefined;
  /** Behind everything else on this machine: batch jobs. */
  readonly isBackground?: boolean | undefined;
}

export interface ReplicaWish {
  readonly id: string;
  /** Local path of the model file; the host makes it visible, read-only, inside the runner's cage. */
  readonly file: string;
  /** SHA-256 of the file, to name it inside the cage. */
  readonly digest: string;
  /** Of an ONNX model. */
  readonly options?: ReplicaOptions | undefined;
  /** Of a model that Python runs. */
  readonly python?: PythonReplica | undefined;
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
  /** What takes long before it can start, in words: its environment is being made. */
  readonly progress?: string;
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

/** What can end a runner on purpose, to show that it may die. */
export interface RunnerEnder {
  /**
   * Kills a runner at once, as a crash would; it is started again like one, without a pause, and what was loading in it is
   * not blamed. `reason` goes to the log. Resolves when the host has done so, also where there is no such process.
   */
  endRunner(runnerId: string, reason: string): Promise<void>;
}

/** How an inspection ended: with what the program printed, or why there is nothing to read. `detail` names no path of ours. */
export type InspectionEnd =
  | { readonly outcome: 'done'; readonly text: string }
  | { readonly outcome: 'failed' | 'timeout' | 'memory' | 'output' | 'cancelled'; readonly detail: string };

/** What is found out about a local file; `digest` is its SHA-256. */
export type InspectionRequest =
  /** Reads an ONNX file and proves that the runtime loads it. */
  | { readonly kind: 'onnx'; readonly file: string; readonly digest: string }
  /** Says what a file is that only Python can run, without running any of it. */
  | { readonly kind: 'look'; readonly file: string; readonly digest: string }
  /** Loads it in its environment, finds its signature and answers its sample. */
  | {
      readonly kind: 'prove';
      readonly file: string;
      readonly digest: string;
      readonly format: PythonFormat;
      readonly environment: EnvironmentSpec;
      /** Local path of the sample as an object, if there is one. */
      readonly sampleFile?: string | undefined;
    };

/** Where a model file can be looked at without trusting it. */
export interface InspectionHost {
  /**
   * Runs the inspection program of a runtime on a local file, caged and limited like a runner, a few at a time. The signal
   * kills it. Never throws.
   */
  inspect(request: InspectionRequest, signal?: AbortSignal): Promise<InspectionEnd>;
}

/** What a model says that it needs; less than an `EnvironmentSpec`, because versions may be open. */
export interface EnvironmentWish {
  /** Minor version of Python; absent: the host's default. */
  readonly python?: string | undefined;
  readonly requirements: readonly string[];
}

/** Where Python environments are made: found out once, made the same again wherever they are missing. */
export interface EnvironmentHost {
  /**
   * Chooses exact versions for a wish and makes the environment. `onProgress` gets a line for people each time that
   * something changed.
   *
   * Throws `python_not_found`, `environment_unresolvable`, `environment_failed`, `environment_too_large`, `disk_full`, and
   * the signal's reason.
   */
  makeEnvironment(
    wish: EnvironmentWish,
    onProgress: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<EnvironmentSpec>;
  /** Removes environments that are none of these and that nothing runs in, once they have been unused for a while. */
  keepEnvironments(specs: readonly EnvironmentSpec[]): Promise<void>;
}
