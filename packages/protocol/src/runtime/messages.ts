import type { Problem } from '../errors/problem.ts';
import type { Datatype, Signature } from '../inference/tensor.ts';
import type { PythonFormat } from '../management/python.ts';

/**
 * The runtime link: what the gateway and the runtime host say to a runner, over a Unix socket or TCP.
 *
 * A frame is `u32 length | u8 kind | u32 request | u32 headerLength | header | payload`, little-endian; `length`
 * counts what follows it. The header is JSON, the payload raw bytes. A runner accepts several connections and answers
 * each request on the connection it came by, with the request's number. Frames of a connection are handled in order;
 * answers may overtake each other.
 */
export const frameKinds = {
  /** First frame in each direction. Header `Hello`. */
  hello: 1,
  /** Host → runner. Header `LoadRequest`. Answered by `loaded` or `error` when the replica is warm. */
  load: 2,
  loaded: 3,
  /** Host → runner. Header `{replica}`. Finishes what is queued for the replica, releases it, answers `unloaded`. */
  unload: 4,
  unloaded: 5,
  /** Gateway → runner. Header `InferHeader`; payload: the inputs' bytes, one after the other. */
  infer: 6,
  /** Runner → gateway. Header `ResultHeader`; payload: the outputs' bytes. */
  result: 7,
  /** Header `Problem`. */
  error: 8,
  /** Gateway → runner. Drops the request if it has not started; no answer is owed afterwards. */
  cancel: 9,
  /** Answered by `healthReport` from the same queue that runs models, so that a hung run shows. */
  health: 10,
  healthReport: 11,
  /** Runner → everybody connected, unasked. Header `ReplicaEvent`: a replica became ready or ceased to be. */
  replicaEvent: 12,
  /** Opaque request for data frames, text and chat. Header `{replica, contentType}`. Reserved for runtimes that take it. */
  body: 13,
  chunk: 14,
  end: 15,
} as const;

export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

/** Version of the link; a runner and a host that differ in it refuse each other by name. */
export const linkVersion = 1;

/** The longest header that is accepted; payloads have a limit of their own. */
export const maxHeaderBytes = 4 * 1024 * 1024;

export interface Frame {
  readonly kind: FrameKind;
  /** Chosen by the asking side, unique among its open requests; 0 where there is no answer. */
  readonly request: number;
  readonly header: unknown;
  readonly payload: Uint8Array;
}

export interface Hello {
  readonly link: number;
  /** Who speaks: `gateway`, `host`, or a runtime such as `onnx`. */
  readonly role: string;
  readonly software: string;
  /** Replicas that are ready now (from a runner). */
  readonly ready?: readonly string[];
}

/** What a runner needs to make a replica. */
export interface LoadRequest {
  readonly replica: string;
  /** Path of the model file as the runner sees it. */
  readonly file: string;
  /** Of the ONNX runtime: how it runs. */
  readonly options?: ReplicaOptions;
  /** Of the Python runtime: what it is. */
  readonly python?: PythonReplica;
  /** Rows to warm up with; without them the runner makes an input from the signature. */
  readonly sample?: readonly TensorHeader[]; // their bytes are the payload
}

/** What the Python runtime is told about a model. */
export interface PythonReplica {
  readonly format: PythonFormat;
  /** Inputs are checked against it by the gateway; the runner makes of them what the model takes. */
  readonly signature: Signature;
  /** The inputs are the columns of a table, or one matrix with named features. */
  readonly isTable: boolean;
}

/** A request to load that the ONNX runtime takes. */
export type OnnxLoadRequest = LoadRequest & { readonly options: ReplicaOptions };

/** How a replica of an ONNX model runs; every field has an effect or is refused. */
export interface ReplicaOptions {
  /** Threads within one run (0: the runtime's choice). */
  readonly intraOpThreads: number;
  readonly memoryArena: boolean;
  /** onnxruntime's execution providers, in order of preference. */
  readonly executionProviders: readonly string[];
  readonly graphOptimization: 'disabled' | 'basic' | 'extended' | 'all';
}

export interface Loaded {
  readonly replica: string;
  readonly loadMs: number;
  readonly warmupMs: number;
  /** Growth of the process by this replica, an estimate. */
  readonly memoryBytes: number;
  /** What the replica answered to become ready, in words: the sample, or an input that was made for it. */
  readonly warmup?: string;
}

export interface TensorHeader {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Bytes of the payload that belong to this tensor. */
  readonly size: number;
}

export interface InferHeader {
  readonly replica: string;
  readonly inputs: readonly TensorHeader[];
  /** Outputs to compute; absent: all. */
  readonly outputs?: readonly string[];
}

export interface ResultHeader {
  readonly outputs: readonly TensorHeader[];
  /** Time inside the model, in microseconds. */
  readonly runMicros: number;
}

export interface ReplicaEvent {
  readonly replica: string;
  readonly state: 'ready' | 'failed' | 'gone';
  readonly problem?: Problem;
}

export interface HealthReport {
  /** Microseconds of CPU since the start of the process. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
  readonly replicas: readonly {
    readonly replica: string;
    readonly state: 'loading' | 'ready' | 'failed';
    readonly runs: number;
    readonly runMicros: number;
    readonly memoryBytes: number;
  }[];
}
