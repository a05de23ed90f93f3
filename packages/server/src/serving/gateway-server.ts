import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerOptions, type ServerResponse, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type Socket, isIPv6 } from 'node:net';
import { MusterError, toMusterError } from '@muster-ml/protocol';
import { systemClock, type Clock } from '../platform/clock/index.ts';
import { createAdmission } from './admission.ts';
import { indexTable } from './applied-table.ts';
import { createAttempts } from './attempts.ts';
import { createAttemptsGuard } from './attempts-guard.ts';
import { createDenials } from './denials.ts';
import type { Admission, FaceLimits, Observation } from './faces.ts';
import { createForwarder } from './forward.ts';
import { createTrust } from './forward-headers.ts';
import { refuseRequest } from './forward-refusal.ts';
import { createGatewayRoutes } from './gateway-routes.ts';
import { createHostCheck, isLoopback } from './host-check.ts';
import { createInferenceHandler } from './inference-handler.ts';
import { createTableLimits } from './limits.ts';
import { type ServingMetrics, createServingMetrics } from './metrics.ts';
import { type PredictorLimits, TablePredictor, defaultPredictorLimits } from './predictor.ts';
import { createOpenResponses } from './http/open-responses.ts';
import { requestIdOf } from './http/request-id.ts';
import { RoutingFollower } from './routing-follower.ts';
import type { ServingLog } from './serving-log.ts';
import { sourceOf } from './source.ts';
import { type TlsFiles, readTlsFiles, watchTlsFiles } from './tls-files.ts';
import { createTokenUses } from './token-uses.ts';
import { type Usage, createUsage } from './usage.ts';

export interface GatewayValues {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  readonly trustedProxies: readonly string[];
  /** Host names that requests may be sent to, besides those of this machine. */
  readonly allowedHosts?: readonly string[];
  /** Whether anybody on this machine reads metrics without a token, where nobody else can connect. */
  readonly openMetrics?: boolean;
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
const usageGapMs = 500;
/** Most that a gateway waits at its end for control to keep what was called last. */
const lastUsageMs = 1000;
const maxHeaderBytes = 32 * 1024;

/** The data plane of one gateway process, composed: admission, predictions, forwarding, metrics, behind one port. */
export function createGateway(values: GatewayValues): Gateway {
  const { log, clock = systemClock } = values;
  const responses = createOpenResponses();
  let isDraining = false;
  let stopWatching = (): void => undefined;
  const isTrusted = createTrust(values.trustedProxies);
  const denials = createDenials({ clock });
  const tokenUses = createTokenUses(clock);
  const limits = createTableLimits(clock);
  const usage = createUsage({ clock, stream: randomUUID(), limits, gapMs: usageGapMs });
  const checkHost = createHostCheck({
    host: values.host,
    isTls: values.tls !== undefined,
    allowedHosts: values.allowedHosts ?? [],
    isTrusted,
  });

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
  const noted: Admission = {
    ...admission,
    authenticate: (token) => {
      const grant = admission.authenticate(token);
      tokenUses.note(grant.tokenId);
      return grant;
    },
  };
  const attempts = createAttemptsGuard({
    attempts: createAttempts({ clock }),
    sourceOf: (request) => sourceOf(request, isTrusted),
    onUnknown: (prefix) => denials.noteUnknown(prefix),
    onRefused: () => metrics.attemptRefused(),
    log,
  });
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
      limits.apply(table.limits, table.usedToday);
      predictor.apply(indexed);
    },
    report: () => ({
      draining: predictor.drainingReplicas(),
      ready: predictor.readyReplicas(),
      incidents: predictor.takeIncidents(),
      ...denials.take(),
      tokensUsed: tokenUses.take(),
      usage: usage.report(),
    }),
    onUsageKept: (answer) => usage.kept(answer),
    onUnreadable: () => usage.giveUp(),
    giveBack: ({ denials: refused = [], unknownTokens = [], tokensUsed = [] }) => {
      denials.giveBack({ denials: refused, unknownTokens });
      tokenUses.giveBack(tokensUsed);
    },
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
    directory: { find: (name) => predictor.table.find(name), endpoints: () => predictor.table.endpoints() },
    admission: noted,
    attempts,
    denials,
    callLimits: limits,
    predictor,
    readiness: { server: () => unready().length === 0, deployment: (deployment) => predictor.isReady(deployment) },
    observer: {
      observe: (observation) => {
        usage.count(observation);
        observe(observation, metrics, log);
      },
    },
    softwareVersion: values.softwareVersion,
    newRequestId: values.newRequestId,
    limits: values.faceLimits,
  });
  const answerRoutes = createGatewayRoutes({
    admission: noted,
    attempts,
    unready,
    // A proxy on this machine brings requests from others.
    isLocal: (request) =>
      values.openMetrics === true && isLoopback(values.host) && !isTrusted(request.socket.remoteAddress),
    metrics: async () => [
      metrics.render(),
      ...(values.processMetrics === undefined ? [] : [await values.processMetrics()]),
    ],
    control: values.control,
    log,
  });
  const forwarder = createForwarder({
    control: values.control.address,
    isTrusted,
    attempts,
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
    try {
      checkHost(request);
    } catch (error) {
      const requestId = requestIdOf(request.headers['x-request-id'], values.newRequestId);
      response.on('error', () => undefined);
      refuseRequest(request, response, toMusterError(error), requestId);
      return;
    }
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
      await tellLastUsage(usage, follower, clock);
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

/** Reports what was called until now, if control answers soon. */
async function tellLastUsage(usage: Usage, follower: RoutingFollower, clock: Clock): Promise<void> {
  let cancel = (): void => undefined;
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(lastUsageMs, resolve);
  });
  const tell = async (): Promise<void> => {
    // Each report takes a part; one that control does not keep would come again and again.
    for (let turn = 0; turn < 5 && follower.isConnected && usage.hasLast(); turn += 1) await follower.flush();
  };
  await Promise.race([tell(), late]);
  cancel();
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
