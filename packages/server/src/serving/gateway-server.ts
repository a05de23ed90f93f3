import { type IncomingMessage, type Server, type ServerOptions, type ServerResponse, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { BlockList, type Socket, isIPv6 } from 'node:net';
import { MusterError } from '@muster-ml/protocol';
import { systemClock, type Clock } from '../platform/clock/index.ts';
import { createAdmission } from './admission.ts';
import { indexTable } from './applied-table.ts';
import type { FaceLimits, Observation } from './faces.ts';
import { createForwarder } from './forward.ts';
import { createGatewayRoutes } from './gateway-routes.ts';
import { createInferenceHandler } from './inference-handler.ts';
import { type ServingMetrics, createServingMetrics } from './metrics.ts';
import { type PredictorLimits, TablePredictor, defaultPredictorLimits } from './predictor.ts';
import { createOpenResponses } from './http/open-responses.ts';
import { RoutingFollower } from './routing-follower.ts';
import type { ServingLog } from './serving-log.ts';
import { type TlsFiles, readTlsFiles, watchTlsFiles } from './tls-files.ts';

export interface GatewayValues {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  readonly trustedProxies: readonly string[];
  /** Where control listens (`unix:/path`, `http(s)://…`), and the internal token that it knows. */
  readonly control: { readonly address: string; readonly token: string };
  /** Names this gateway among others. */
  readonly gatewayId: string;
  readonly installation?: string | undefined;
  /** Where the last routing table is kept. */
  readonly tableFile: string;
  readonly staleAuthLimitMs: number;
  readonly softwareVersion: string;
  readonly faceLimits: FaceLimits;
  readonly predictorLimits?: PredictorLimits;
  readonly forward?: { readonly maxRequests: number; readonly idleTimeoutMs: number };
  readonly maxConnections?: number;
  readonly newRequestId: () => string;
  readonly log: ServingLog;
  readonly clock?: Clock;
  /** More metrics of this process, in the exposition format. */
  readonly processMetrics?: () => Promise<string>;
}

export interface Gateway {
  /** Listens. Throws `port_taken`, and `invalid_configuration` for a certificate that cannot be used. */
  start(): Promise<void>;
  /** Takes nothing new, finishes what was accepted within the time, and lets go of idle connections. Says whether all was finished. */
  drain(limitMs: number): Promise<boolean>;
  /** Ends at once. */
  stop(): Promise<void>;
  /** `http(s)://host:port`, once it listens. */
  readonly address: string;
  readonly isReady: boolean;
}

/** Clients and load balancers keep idle connections for up to a minute; who closes first must not be us. */
const keepAliveMs = 75_000;
const headersMs = 30_000;
const maxHeaderBytes = 32 * 1024;

/** The data plane of one gateway process, composed: admission, predictions, forwarding, metrics, behind one port. */
export function createGateway(values: GatewayValues): Gateway {
  const { log, clock = systemClock } = values;
  const responses = createOpenResponses();
  let isDraining = false;
  let stopWatching = (): void => undefined;

  const metrics = createServingMetrics({
    table: () => predictor.table,
    load: () => predictor.load(),
    forwardsInFlight: () => forwarder.inFlight,
    isControlConnected: () => follower.isConnected,
    clock,
  });
  const predictor = new TablePredictor({
    software: values.softwareVersion,
    clock,
    log,
    events: metrics,
    limits: values.predictorLimits ?? defaultPredictorLimits,
    onChange: () => follower.changed(),
  });
  const admission = createAdmission({ clock, isStale: () => follower.isStale() });
  const follower = new RoutingFollower({
    control: values.control.address,
    token: values.control.token,
    gateway: values.gatewayId,
    installation: values.installation,
    file: values.tableFile,
    staleAuthLimitMs: values.staleAuthLimitMs,
    clock,
    log,
    onTable: (table) => {
      const indexed = indexTable(table);
      admission.apply(indexed);
      predictor.apply(indexed);
    },
    report: () => ({
      draining: predictor.drainingReplicas(),
      ready: predictor.readyReplicas(),
      incidents: predictor.takeIncidents(),
    }),
  });
  const unready = (): string[] => {
    const reasons: string[] = [];
    if (isDraining) reasons.push('the gateway is draining');
    if (predictor.table.table === undefined) reasons.push('no routing table has come from control yet');
    else if (follower.isStale())
      reasons.push('control has not been heard of for longer than the gateway may go on alone');
    return reasons;
  };
  const answerInference = createInferenceHandler({
    directory: { find: (name) => predictor.table.find(name), names: () => predictor.table.names() },
    admission,
    predictor,
    readiness: { server: () => unready().length === 0, deployment: (deployment) => predictor.isReady(deployment) },
    observer: { observe: (observation) => observe(observation, metrics, log) },
    softwareVersion: values.softwareVersion,
    newRequestId: values.newRequestId,
    limits: values.faceLimits,
  });
  const answerRoutes = createGatewayRoutes({
    admission,
    unready,
    openMetrics: isLoopback(values.host),
    metrics: async () => [
      metrics.render(),
      ...(values.processMetrics === undefined ? [] : [await values.processMetrics()]),
    ],
    control: values.control,
    log,
  });
  const forwarder = createForwarder({
    control: values.control.address,
    trustedProxies: values.trustedProxies,
    maxRequests: values.forward?.maxRequests ?? 256,
    idleTimeoutMs: values.forward?.idleTimeoutMs ?? 120_000,
    newRequestId: values.newRequestId,
    log,
    onForwarded: (status) => metrics.forwarded(status),
  });

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    responses.began(request.socket, response);
    // A caller whose connection was kept must open a new one, elsewhere.
    if (isDraining) response.shouldKeepAlive = false;
    if (answerInference(request, response) || answerRoutes(request, response)) return;
    forwarder.forward(request, response);
  };
  const options: ServerOptions = {
    keepAliveTimeout: keepAliveMs,
    headersTimeout: headersMs,
    requestTimeout: 0,
    maxHeaderSize: maxHeaderBytes,
    noDelay: true,
  };
  const server: Server =
    values.tls === undefined
      ? createServer(options, answer)
      : createSecureServer({ ...options, ...readTlsFiles(values.tls) }, answer);
  server.maxConnections = values.maxConnections ?? 16_384;
  server.on('clientError', answerBadRequest);
  server.on(values.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => responses.opened(socket));

  return {
    start: async () => {
      await listen(server, values);
      if (values.tls !== undefined && 'setSecureContext' in server && typeof server.setSecureContext === 'function') {
        const secure = server as Server & { setSecureContext(context: object): void };
        stopWatching = watchTlsFiles(values.tls, {
          clock,
          log,
          onChange: (context) => secure.setSecureContext(context),
        });
      }
      await follower.start();
    },
    drain: async (limitMs) => {
      isDraining = true;
      for (const response of responses.all()) if (!response.headersSent) response.shouldKeepAlive = false;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      let cancel = (): void => undefined;
      const limit = new Promise<void>((resolve) => {
        cancel = clock.after(limitMs, resolve);
      });
      await Promise.race([closed, limit]);
      cancel();
      return responses.all().every((response) => response.writableFinished || response.destroyed);
    },
    stop: async () => {
      isDraining = true;
      stopWatching();
      forwarder.stop();
      predictor.stop();
      await follower.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
    get address() {
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : values.port;
      return `${values.tls === undefined ? 'http' : 'https'}://${isIPv6(values.host) ? `[${values.host}]` : values.host}:${port}`;
    },
    get isReady() {
      return unready().length === 0;
    },
  };
}

/** Counts every prediction, and logs those that failed in here with their cause, which the caller is not told. */
function observe(observation: Observation, metrics: ServingMetrics, log: ServingLog): void {
  metrics.observe(observation);
  const { status, code, requestId, endpoint, deployment, operation, cause, durationMs } = observation;
  if (status < 500) return;
  const facts = {
    requestId,
    endpoint,
    deployment: deployment?.id,
    operation,
    status,
    code,
    ms: Math.round(durationMs),
    err: cause,
  };
  if (status === 500) log.error(facts, 'a prediction failed');
  else log.debug(facts, 'a prediction was refused');
}

async function listen(server: Server, { host, port }: GatewayValues): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(
        error.code === 'EADDRINUSE'
          ? new MusterError('port_taken', `port ${port} of ${host} is taken`, { cause: error })
          : error,
      );
    };
    server.once('error', fail);
    // A connection waits here while the event loop is busy; the default of 511 is refused by bursts of clients that start together.
    server.listen({ host, port, backlog: 4096 }, () => {
      server.removeListener('error', fail);
      resolve();
    });
  });
}

/** What cannot be parsed as HTTP gets an answer in plain HTTP, so that the sender sees more than a reset. */
function answerBadRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
