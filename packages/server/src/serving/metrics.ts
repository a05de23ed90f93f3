import type { Clock } from '../platform/clock/index.ts';
import type { AppliedTable } from './applied-table.ts';
import type { Observation, Observer } from './faces.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import type { Incident, RoutedDeployment } from './routing-table.ts';

/** What is read when somebody asks, not counted. */
export interface MetricsSources {
  readonly table: () => AppliedTable;
  readonly load: () => Iterable<{
    readonly endpoint: string;
    readonly deployment: RoutedDeployment;
    readonly waiting: number;
    readonly inFlight: number;
  }>;
  readonly forwardsInFlight: () => number;
  readonly isControlConnected: () => boolean;
  readonly clock: Clock;
}

/** Counts what the gateway does. By hand: a labelled counter of the usual library costs more than the rest of a small request's accounting. */
export interface ServingMetrics extends Observer {
  ran(deployment: RoutedDeployment, rows: number, runMicros: number): void;
  copyDropped(deployment: RoutedDeployment): void;
  incident(incident: Incident): void;
  forwarded(status: number): void;
  /** An unknown token was answered with 429. */
  attemptRefused(): void;
  /** In Prometheus' exposition format. */
  render(): string;
}

const secondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const rowsBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Operations that are predictions, one for each protocol. */
const predictions: ReadonlySet<string> = new Set(['infer', 'predict', 'invocations']);

/** Counts of a version that is no longer deployed are told for so long, so that the last scrape finds them. */
const keepMs = 10 * 60_000;

interface Series {
  readonly endpoint: string;
  readonly version: string;
  readonly codes: Map<number, number>;
  readonly duration: Histogram;
  readonly queue: Histogram;
  touchedMs: number;
}

interface RunSeries {
  readonly deployment: RoutedDeployment;
  readonly rows: Histogram;
  runMicros: number;
  copiesDropped: number;
  suspected: number;
  confirmed: number;
  touchedMs: number;
}

export function createServingMetrics(sources: MetricsSources): ServingMetrics {
  const requests = new Map<string, Map<string, Series>>();
  const runs = new Map<string, RunSeries>();
  const forwards = new Map<number, number>();
  let refusedAttempts = 0;

  const seriesOf = (endpoint: string, version: string): Series => {
    let versions = requests.get(endpoint);
    if (versions === undefined) requests.set(endpoint, (versions = new Map<string, Series>()));
    let series = versions.get(version);
    if (series === undefined) {
      series = {
        endpoint,
        version,
        codes: new Map(),
        duration: createHistogram(secondsBounds),
        queue: createHistogram(secondsBounds),
        touchedMs: 0,
      };
      versions.set(version, series);
    }
    return series;
  };
  const runsOf = (deployment: RoutedDeployment): RunSeries => {
    let series = runs.get(deployment.id);
    if (series === undefined) {
      series = {
        deployment,
        rows: createHistogram(rowsBounds),
        runMicros: 0,
        copiesDropped: 0,
        suspected: 0,
        confirmed: 0,
        touchedMs: 0,
      };
      runs.set(deployment.id, series);
    }
    series.touchedMs = sources.clock.now();
    return series;
  };
  const forget = (): void => {
    const { deployments } = sources.table();
    const deployed = new Set<string>();
    for (const { endpoint, deployment } of deployments.values())
      deployed.add(`${endpoint.name}\n${deployment.version}`);
    const before = sources.clock.now() - keepMs;
    for (const [endpoint, versions] of requests) {
      for (const [version, series] of versions)
        if (series.touchedMs < before && !deployed.has(`${endpoint}\n${version}`)) versions.delete(version);
      if (versions.size === 0) requests.delete(endpoint);
    }
    for (const [id, series] of runs) if (series.touchedMs < before && !deployments.has(id)) runs.delete(id);
  };

  return {
    observe: ({ endpoint, deployment, status, durationMs, queueMicros, operation }: Observation) => {
      // Metadata and health are not what an endpoint is measured by.
      if (endpoint === undefined || !predictions.has(operation)) return;
      const series = seriesOf(endpoint, deployment?.version ?? '');
      series.touchedMs = sources.clock.now();
      series.codes.set(status, (series.codes.get(status) ?? 0) + 1);
      series.duration.observe(durationMs / 1000);
      if (status === 200) series.queue.observe(queueMicros / 1e6);
    },
    ran: (deployment, rows, runMicros) => {
      const series = runsOf(deployment);
      series.rows.observe(rows);
      series.runMicros += runMicros;
    },
    copyDropped: (deployment) => {
      runsOf(deployment).copiesDropped += 1;
    },
    incident: ({ deployment: id, kind }) => {
      const placed = sources.table().deployments.get(id);
      const series = placed === undefined ? runs.get(id) : runsOf(placed.deployment);
      if (series !== undefined) series[kind] += 1;
    },
    forwarded: (status) => {
      forwards.set(status, (forwards.get(status) ?? 0) + 1);
    },
    attemptRefused: () => {
      refusedAttempts += 1;
    },
    render: () => {
      forget();
      const text = new Exposition();
      const all = [...requests.values()].flatMap((versions) => [...versions.values()]);
      text.family(
        'muster_requests_total',
        'counter',
        'Predictions by endpoint, version and HTTP status (499: the caller went away).',
      );
      for (const { endpoint, version, codes } of all)
        for (const [code, count] of codes) text.sample({ endpoint, version, code: String(code) }, count);
      text.family('muster_request_duration_seconds', 'histogram', 'Time from the head of a prediction to its answer.');
      for (const { endpoint, version, duration } of all) text.histogram({ endpoint, version }, duration);
      text.family('muster_queue_duration_seconds', 'histogram', 'Time that predictions waited before they ran.');
      for (const { endpoint, version, queue } of all) text.histogram({ endpoint, version }, queue);
      text.family('muster_batch_rows', 'histogram', 'Rows in one run.');
      for (const series of runs.values()) text.histogram(labelsOf(series), series.rows);
      text.family('muster_run_seconds_total', 'counter', 'Time inside the model.');
      for (const series of runs.values()) text.sample(labelsOf(series), series.runMicros / 1e6);
      text.family('muster_shadow_copies_dropped_total', 'counter', 'Copies that a shadow had no room for.');
      for (const series of runs.values()) text.sample(labelsOf(series), series.copiesDropped);
      text.family(
        'muster_runner_crashes_total',
        'counter',
        'Runners that died while they ran a deployment; confirmed: a single request killed one again.',
      );
      for (const series of runs.values())
        for (const kind of ['suspected', 'confirmed'] as const)
          text.sample({ ...labelsOf(series), kind }, series[kind]);
      const load = [...sources.load()];
      text.family('muster_queue_length', 'gauge', 'Predictions that wait.');
      for (const { endpoint, deployment, waiting } of load)
        text.sample({ endpoint, deployment: deployment.id }, waiting);
      text.family('muster_requests_in_flight', 'gauge', 'Predictions that run.');
      for (const { endpoint, deployment, inFlight } of load)
        text.sample({ endpoint, deployment: deployment.id }, inFlight);
      text.family('muster_forwarded_total', 'counter', 'Requests that were handed on to the control plane.');
      for (const [code, count] of forwards) text.sample({ code: String(code) }, count);
      text.family('muster_forwards_in_flight', 'gauge', 'Requests to the control plane under way.');
      text.sample({}, sources.forwardsInFlight());
      text.family(
        'muster_gateway_refused_attempts_total',
        'counter',
        'Unknown tokens that were answered with 429 because their source had sent too many.',
      );
      text.sample({}, refusedAttempts);
      text.family('muster_routing_table_version', 'gauge', 'Version of the routing table in use.');
      text.sample({}, sources.table().version);
      text.family('muster_control_connected', 'gauge', 'Whether the control plane is connected.');
      text.sample({}, sources.isControlConnected() ? 1 : 0);
      return text.toString();
    },
  };
}

function labelsOf({ deployment }: RunSeries): Record<string, string> {
  return { deployment: deployment.id, model: deployment.model, version: deployment.version };
}

/** Writes the exposition format. Every sample says that it is the gateway's. */
class Exposition {
  readonly #lines: string[] = [];
  #name = '';

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#name = name;
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  sample(labels: Readonly<Record<string, string>>, value: number, suffix = ''): void {
    const pairs = Object.entries({ ...labels, process: 'gateway' }).map(
      ([label, text]) =>
        `${label}="${text.replaceAll(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`,
    );
    this.#lines.push(`${this.#name}${suffix}{${pairs.join(',')}} ${value}`);
  }

  histogram(labels: Readonly<Record<string, string>>, histogram: Histogram): void {
    for (const [bound, count] of histogram.cumulative()) this.sample({ ...labels, le: bound }, count, '_bucket');
    this.sample(labels, histogram.sum, '_sum');
    this.sample(labels, histogram.count, '_count');
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
