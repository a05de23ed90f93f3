import { MusterError } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import { type AppliedTable, type PlacedDeployment, indexTable } from './applied-table.ts';
import { Batcher, type BatcherEvents } from './batcher.ts';
import type { PredictRequest, Prediction, Predictor } from './faces.ts';
import { signatureAccepts } from './merging.ts';
import { ReplicaPool } from './replica-pool.ts';
import {
  type TrafficPoint,
  firstTrafficPoint,
  nextTrafficPoint,
  pickRoute,
  pickShadow,
  pickVersion,
} from './route-picker.ts';
import type { Incident, RoutedDeployment, RoutedEndpoint } from './routing-table.ts';
import type { ServingLog } from './serving-log.ts';

export interface TablePredictorOptions {
  readonly software: string;
  readonly clock: Clock;
  readonly log: ServingLog;
  readonly events: Pick<BatcherEvents, 'ran' | 'copyDropped' | 'incident'>;
  readonly limits: PredictorLimits;
  /** What a report to control says has changed: replicas ready or draining, incidents. */
  readonly onChange: () => void;
}

export interface PredictorLimits {
  /** Most input bytes that may wait for one deployment. */
  readonly queueBytes: number;
  /** Copies that may wait for one shadow. */
  readonly shadowCopies: number;
  /** How long a deployment may be without a ready replica before its requests are refused at once. */
  readonly unreadyGraceMs: number;
}

export const defaultPredictorLimits: PredictorLimits = {
  queueBytes: 256 * 1024 * 1024,
  shadowCopies: 64,
  unreadyGraceMs: 5000,
};

/** Runs predictions by the routing table: traffic rule, batchers, links. A new table is applied while requests are in flight; none is lost. */
export class TablePredictor implements Predictor {
  readonly #options: TablePredictorOptions;
  readonly #pool: ReplicaPool;
  readonly #batchers = new Map<string, Batcher>();
  readonly #points = new Map<string, TrafficPoint>();
  readonly #incidents: Incident[] = [];
  readonly #events: BatcherEvents;
  #table: AppliedTable = indexTable(undefined);
  /** Control was told of draining replicas, so it waits to hear that they are done. */
  #toldDraining = false;

  constructor(options: TablePredictorOptions) {
    this.#options = options;
    this.#pool = new ReplicaPool({ ...options, onChange: () => this.#wake(), onRoom: () => this.#goOn() });
    this.#events = {
      ran: (deployment, rows, runMicros) => {
        options.events.ran(deployment, rows, runMicros);
        if (this.#toldDraining) options.onChange();
      },
      copyDropped: (deployment) => options.events.copyDropped(deployment),
      incident: (incident) => {
        options.log.warn(
          { deployment: incident.deployment, replica: incident.replica, kind: incident.kind },
          'a runner died while it ran this deployment',
        );
        options.events.incident(incident);
        if (this.#incidents.length < maxIncidents) this.#incidents.push(incident);
        options.onChange();
      },
      emptied: (batcher) => this.#drop(batcher),
    };
  }

  get table(): AppliedTable {
    return this.#table;
  }

  /** Decides by this table from now on. What was accepted under the last one is finished where it was sent. */
  apply(table: AppliedTable): void {
    this.#table = table;
    for (const [id, placed] of table.deployments) this.#batchers.get(id)?.update(placed);
    for (const [id, batcher] of this.#batchers) if (!table.deployments.has(id)) batcher.retire();
    for (const name of this.#points.keys()) if (table.find(name) === undefined) this.#points.delete(name);
    this.#wantRunners();
    this.#wake();
  }

  pick({ name }: RoutedEndpoint, version: string | undefined): RoutedDeployment {
    // The table may have changed since the caller looked the endpoint up: reading a body takes its time.
    const endpoint = this.#table.find(name);
    if (endpoint === undefined) throw new MusterError('endpoint_not_found', `there is no endpoint "${name}"`);
    if (version !== undefined) {
      const named = pickVersion(endpoint, version);
      if (named === undefined) {
        throw new MusterError('version_not_deployed', `version ${version} is not deployed under "${name}"`);
      }
      if (named.quarantined !== undefined) throw quarantined(name, named.quarantined);
      return named;
    }
    const point = nextTrafficPoint(this.#points.get(name) ?? firstTrafficPoint);
    this.#points.set(name, point);
    const route = pickRoute(endpoint, point, (deployment) => this.isReady(deployment));
    if (route.answers !== undefined) return route.answers;
    if (route.quarantined !== undefined) throw quarantined(name, route.quarantined);
    throw new MusterError('endpoint_not_ready', `"${name}" has no live version`, { retryAfterSeconds: 1 });
  }

  predict(request: PredictRequest): Promise<Prediction> {
    const placed = this.#table.deployments.get(request.deployment.id) ?? this.#replace(request);
    const answer = this.#batcher(placed).predict(request);
    const { endpoint } = placed;
    if (request.version === undefined && endpoint.deployments.length > 1) {
      const shadow = pickShadow(endpoint, this.#points.get(endpoint.name) ?? firstTrafficPoint);
      if (shadow !== undefined && signatureAccepts(shadow.signature, request)) {
        this.#batcher({ endpoint, deployment: shadow }).copy(request);
      }
    }
    return answer;
  }

  /** Who answers a request whose deployment left the table after it was chosen. */
  #replace(request: PredictRequest): PlacedDeployment {
    const { name } = request.endpoint;
    const placed = this.#table.deployments.get(this.pick(request.endpoint, request.version).id);
    if (placed !== undefined && signatureAccepts(placed.deployment.signature, request)) return placed;
    throw new MusterError('endpoint_not_ready', `the version of "${name}" that was chosen has ended`, {
      retryAfterSeconds: 1,
    });
  }

  isReady(deployment: RoutedDeployment): boolean {
    return deployment.quarantined === undefined && deployment.replicas.some((replica) => this.#pool.isReady(replica));
  }

  /** Replicas of the applied table that would take a request. */
  readyReplicas(): string[] {
    const ready: string[] = [];
    for (const [id, address] of this.#table.replicas) if (this.#pool.isReady({ id, address })) ready.push(id);
    return ready;
  }

  /** Replicas that are not in the applied table but still have requests to finish. */
  drainingReplicas(): string[] {
    const draining = new Set(this.#pool.busyReplicas());
    for (const batcher of this.#batchers.values()) {
      if (batcher.isRetired && batcher.waiting > 0)
        for (const replica of batcher.deployment.replicas) draining.add(replica.id);
    }
    const gone = [...draining].filter((replica) => !this.#table.replicas.has(replica));
    this.#toldDraining = gone.length > 0;
    return gone;
  }

  /** What happened since the last call. */
  takeIncidents(): Incident[] {
    return this.#incidents.splice(0);
  }

  /** Requests that wait and that are in flight, by endpoint and deployment. */
  *load(): Iterable<{
    readonly endpoint: string;
    readonly deployment: RoutedDeployment;
    readonly waiting: number;
    readonly inFlight: number;
  }> {
    for (const batcher of this.#batchers.values()) {
      yield {
        endpoint: batcher.endpointName,
        deployment: batcher.deployment,
        waiting: batcher.waiting,
        inFlight: batcher.inFlight,
      };
    }
  }

  /** Ends at once: what is open is refused with `endpoint_not_ready`. */
  stop(): void {
    for (const batcher of this.#batchers.values()) batcher.stop();
    this.#batchers.clear();
    this.#pool.stop();
  }

  #batcher(placed: PlacedDeployment): Batcher {
    const { id } = placed.deployment;
    let batcher = this.#batchers.get(id);
    if (batcher === undefined) {
      const { limits, clock } = this.#options;
      batcher = new Batcher({
        placed,
        pool: this.#pool,
        events: this.#events,
        now: () => clock.now(),
        queueBytes: limits.queueBytes,
        copies: limits.shadowCopies,
        unreadyGraceMs: limits.unreadyGraceMs,
      });
      this.#batchers.set(id, batcher);
    }
    return batcher;
  }

  #wake(): void {
    for (const batcher of this.#batchers.values()) {
      if (batcher.isRetired && batcher.waiting > 0 && !batcher.isReady()) this.#move(batcher);
      batcher.schedule();
    }
    this.#pool.sweep();
    this.#options.onChange();
  }

  #goOn(): void {
    for (const batcher of this.#batchers.values()) if (batcher.hasWaiting) batcher.schedule();
  }

  /** The replicas of a retired deployment are gone: its requests go on with whoever answers for the endpoint now, if that takes them. */
  #move(from: Batcher): void {
    const endpoint = this.#table.find(from.endpointName);
    const live = endpoint?.deployments.find(
      (deployment) => deployment.role === 'live' && deployment.quarantined === undefined,
    );
    for (const job of from.takeWaiting()) {
      const { version } = job.request;
      if (
        endpoint !== undefined &&
        live !== undefined &&
        (version === undefined || version === live.version) &&
        signatureAccepts(live.signature, job.request)
      ) {
        this.#batcher({ endpoint, deployment: live }).adopt([job]);
      } else {
        job.fail(
          new MusterError(
            'endpoint_not_ready',
            `the version of "${from.endpointName}" that accepted the request has ended`,
            { retryAfterSeconds: 1 },
          ),
        );
      }
    }
    from.retire();
  }

  #drop(batcher: Batcher): void {
    if (this.#batchers.get(batcher.deployment.id) === batcher) this.#batchers.delete(batcher.deployment.id);
    this.#wantRunners();
    this.#options.onChange();
  }

  #wantRunners(): void {
    const addresses = new Set(this.#table.replicas.values());
    for (const batcher of this.#batchers.values()) {
      if (batcher.isRetired) for (const replica of batcher.deployment.replicas) addresses.add(replica.address);
    }
    this.#pool.want(addresses);
  }
}

/** Beyond it control knows enough. */
const maxIncidents = 1000;

function quarantined(endpoint: string, why: string): MusterError {
  return new MusterError('endpoint_not_ready', `"${endpoint}" is quarantined: ${why}`, {
    remedy: 'Deploy another version, or roll back.',
    retryAfterSeconds: 30,
  });
}
