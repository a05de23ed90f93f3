import type { ErrorCode, InferParameters, Tensor } from '@muster-ml/protocol';
import type { TokenGrant } from '../identity/index.ts';
import type { AttemptsGuard } from './attempts-guard.ts';
import type { BodyMemory } from './body-memory.ts';
import type { Denials } from './denials.ts';
import type { ReachedEndpoint } from './reach-sets.ts';
import type { RoutedDeployment, RoutedEndpoint } from './routing-table.ts';

/**
 * What the faces of the gateway (Open Inference Protocol, `/predict`) need of the rest of serving. A face translates
 * one protocol: parse, call, render; who may call, where a request goes and how it is run is decided behind these ports.
 */
export interface FaceDependencies {
  readonly directory: Directory;
  readonly admission: Admission;
  readonly attempts: AttemptsGuard;
  /** Counts what known tokens were refused by authorization. */
  readonly denials: Pick<Denials, 'note'>;
  readonly callLimits: CallLimits;
  readonly predictor: Predictor;
  readonly readiness: Readiness;
  readonly observer: Observer;
  /** Version of Muster, for `GET /v2`. */
  readonly softwareVersion: string;
  /** Makes the id of a request that brings none. */
  readonly newRequestId: () => string;
  readonly limits: FaceLimits;
}

/** Limits of reading a request, the same for all endpoints; an endpoint's own `bodyBytes` comes on top. */
export interface FaceLimits {
  /** Longest time in which a whole body must have arrived. */
  readonly bodyTimeoutMs: number;
  /** Bytes of all bodies that are being read or answered at once; a request beyond it is refused with `queue_full`. */
  readonly bodyBytesInFlight: number;
}

/** The endpoints of the current routing table. */
export interface Directory {
  find(name: string): RoutedEndpoint | undefined;
  endpoints(): Iterable<RoutedEndpoint>;
}

export interface Admission {
  /** Whose token it is. Throws `token_missing`, `token_invalid`, `token_expired`, `control_unavailable`. */
  authenticate(token: string | undefined): TokenGrant;
  /** Whether the endpoint exists for the caller. */
  sees(grant: TokenGrant, endpoint: ReachedEndpoint): boolean;
  /** Whether the caller may call it; one that may sees it too. */
  mayPredict(grant: TokenGrant, endpoint: ReachedEndpoint): boolean;
  /** Whether there is no endpoint that the caller may not see. */
  seesEverything(grant: TokenGrant): boolean;
}

/** Limits of an actor's calls. */
export interface CallLimits {
  /** Counts a call of an endpoint by an actor. Throws `rate_limited`, `quota_exceeded`, and then counts nothing. */
  admit(endpointName: string, actor: string): void;
}

export interface Readiness {
  /** False while the gateway drains, and before it has a routing table. */
  server(): boolean;
  /** Whether requests to the deployment would be run now. */
  deployment(deployment: RoutedDeployment): boolean;
}

/** Tells whoever runs the request that its caller went away. */
export interface Cancellation {
  readonly cancelled: boolean;
  /** Calls back once when the caller goes away; one callback a request, a later one replaces it, `undefined` clears it. */
  onCancel(callback: (() => void) | undefined): void;
}

export interface PredictRequest {
  readonly endpoint: RoutedEndpoint;
  /** As `pick` chose it, in the same turn of the event loop. */
  readonly deployment: RoutedDeployment;
  /** Checked against the deployment's signature, in its order; optional ones may be left out. */
  readonly inputs: readonly Tensor[];
  /** Names of the outputs to compute, in the order to answer; undefined: all. */
  readonly outputs: readonly string[] | undefined;
  /** Size of dim 0 where the signature is batched; undefined where rows cannot be counted, so never merged. */
  readonly rows: number | undefined;
  /** On the monotonic clock, `performance.now()`. */
  readonly deadlineMs: number;
  readonly cancellation: Cancellation;
  /** Parameters that are the model's business: part of the merge key. */
  readonly parameters: InferParameters;
  readonly requestId: string;
  /** What the inputs are views of, if that is large; the predictor lets go of it once they are not needed any more. */
  readonly memory?: BodyMemory | undefined;
  /** The version that the caller named, if any: such a request is answered by that version or not at all, and is never copied to a shadow. */
  readonly version?: string | undefined;
}

export interface Prediction {
  /** The deployment that answered. */
  readonly deployment: RoutedDeployment;
  /** The outputs that were asked for, in that order; else all in the model's order. */
  readonly outputs: readonly Tensor[];
  /** Time inside the model; where requests shared a run, the part of this one's rows. */
  readonly runMicros: number;
  readonly queueMicros: number;
}

export interface Predictor {
  /**
   * Chooses who answers: by the traffic rule (live, canary), or the deployment of the version that is named (live,
   * canary or shadow). Throws `version_not_deployed`, `endpoint_not_ready` (also where the choice is quarantined).
   */
  pick(endpoint: RoutedEndpoint, version: string | undefined): RoutedDeployment;
  /** Runs the request. Throws `queue_full`, `deadline_passed`, `request_cancelled`, `endpoint_not_ready`, `model_failed`, `model_crashed`. */
  predict(request: PredictRequest): Promise<Prediction>;
}

/** Which protocol a request speaks. */
export type Face = 'oip' | 'predict' | 'invocations';

/** A call of an endpoint by somebody who may: what usage is attributed by. */
export interface EndpointCall {
  readonly endpoint: RoutedEndpoint;
  readonly actor: string;
}

/** What became of one request, once its answer is on the way (or its caller gone: status 499). */
export interface Observation {
  readonly face: Face;
  readonly requestId: string;
  readonly method: string;
  /** A route's pattern or operation, never a path with names in it: `infer`, `predict`, `metadata`, … */
  readonly operation: string;
  /** Name of an endpoint that exists and that the caller may see. */
  readonly endpoint: string | undefined;
  /** The call that it is, where the caller may call the endpoint; undefined for everything else. */
  readonly call: EndpointCall | undefined;
  readonly deployment: RoutedDeployment | undefined;
  readonly status: number;
  readonly code: ErrorCode | undefined;
  /** What was thrown, for `internal` errors only: belongs in the log, not in the answer. */
  readonly cause: unknown;
  readonly rows: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
  readonly runMicros: number;
  readonly queueMicros: number;
}

export interface Observer {
  observe(observation: Observation): void;
}
