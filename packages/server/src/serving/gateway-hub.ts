import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MusterError, toProblem } from '@muster-ml/protocol';
import { z } from 'zod';
import type { Clock } from '../platform/clock/index.ts';
import type { GatewayHub, GatewayReport, RoutingTable } from './routing-table.ts';
import type { ServingLog } from './serving-log.ts';
import { type UsageAnswer, type UsageKeeper, type UsageReport, usageReportSchema } from './usage-report.ts';
import { createUsedUp } from './used-up.ts';

export interface GatewayHubOptions {
  /** The internal token that gateways send. */
  readonly token: string;
  readonly clock: Clock;
  readonly log: ServingLog;
}

/** The hub and the two node handlers that control mounts, on its own socket only. */
export interface MountedGatewayHub extends GatewayHub {
  /** `GET /internal/v1/routing` */
  handleRouting(request: IncomingMessage, response: ServerResponse): void;
  /** `POST /internal/v1/reports` */
  handleReports(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Who keeps what gateways count, from now on; until then they keep it themselves. */
  keepUsage(keeper: UsageKeeper): void;
  /** Ends every stream; gateways go on by their last table. */
  close(): void;
}

const maxReportBytes = 16 * 1024 * 1024;
const heartbeatMs = 5000;
/** Most that a report may take to arrive. */
const reportTimeoutMs = 10_000;
/** Most that keeping usage may take; a gateway that hears nothing of it in time sends it again. */
const keepTimeoutMs = 4000;

const name = z.string().min(1).max(1000);
const reportSchema = z.object({
  gateway: z.string().min(1).max(200),
  startedAt: z.number(),
  applied: z.number().int(),
  draining: z.array(name).max(1_000_000),
  ready: z.array(name).max(1_000_000),
  incidents: z
    .array(z.object({ at: z.number(), deployment: name, replica: name, kind: z.enum(['suspected', 'confirmed']) }))
    .max(100_000),
  // Absent from a gateway of an older release.
  denials: z
    .array(
      z.object({
        actor: name,
        token: name,
        action: z.string().min(1).max(100),
        object: name,
        minute: z.number().int().min(0),
        count: z.number().int().min(1),
      }),
    )
    .max(100_000)
    .optional(),
  unknownTokens: z
    .array(
      z.object({
        source: z.string().min(1).max(100),
        minute: z.number().int().min(0),
        count: z.number().int().min(1),
      }),
    )
    .max(10_000)
    .optional(),
  tokensUsed: z
    .array(z.object({ token: name, at: z.number().int().min(0) }))
    .max(1_000_000)
    .optional(),
  usage: usageReportSchema.optional(),
}) satisfies z.ZodType<GatewayReport>;

interface Connected {
  readonly response: ServerResponse;
  report: GatewayReport;
  /** Version of the last table that was written to it. */
  sent: number | undefined;
}

/**
 * Control's side of all gateways. A gateway is connected while its stream is; until its first report it counts as one
 * that has applied nothing, so that nothing is unloaded under it.
 */
export function createGatewayHub({ token, clock, log }: GatewayHubOptions): MountedGatewayHub {
  const expected = createHash('sha256').update(`Bearer ${token}`).digest();
  const connected = new Map<string, Connected>();
  const listeners = new Set<(report: GatewayReport) => void>();
  let current: { readonly table: RoutingTable; readonly version: number; readonly line: string } | undefined;
  let keeper: UsageKeeper | undefined;
  let cancelHeartbeat: (() => void) | undefined;

  const send = (gateway: Connected): void => {
    if (current === undefined || gateway.sent === current.version || gateway.response.writableNeedDrain) return;
    gateway.sent = current.version;
    gateway.response.write(current.line);
  };
  const beat = (): void => {
    for (const { response } of connected.values()) if (!response.writableNeedDrain) response.write('\n');
    cancelHeartbeat = connected.size === 0 ? undefined : clock.after(heartbeatMs, beat);
  };
  const mayEnter = (request: IncomingMessage, response: ServerResponse): boolean => {
    const given = createHash('sha256')
      .update(request.headers.authorization ?? '')
      .digest();
    if (timingSafeEqual(given, expected)) return true;
    refuse(response, 401, new MusterError('token_invalid', 'the internal token is not valid'));
    return false;
  };

  const publish = (table: RoutingTable): void => {
    current = lineOf(table);
    for (const gateway of connected.values()) {
      // The same version again is sent again: its maker knows why.
      if (gateway.sent === table.version) gateway.sent = undefined;
      send(gateway);
    }
  };
  const lineOf = (table: RoutingTable): NonNullable<typeof current> => ({
    table,
    version: table.version,
    line: `${JSON.stringify({ ...table, usedToday: keeper?.usedToday() ?? [] })}\n`,
  });
  const quotas = createUsedUp();
  const keep = async (usage: UsageReport | undefined): Promise<UsageAnswer | undefined> => {
    if (usage === undefined || keeper === undefined) return undefined;
    let cancel = (): void => undefined;
    const late = new Promise<undefined>((resolve) => {
      cancel = clock.after(keepTimeoutMs, () => resolve(undefined));
    });
    try {
      const answer = await Promise.race([keeper.keep(usage), late]);
      // Gateways keep the table: so one that starts without control knows whose day is over.
      if (answer !== undefined && current !== undefined && quotas.isNew(current.table.limits, answer.used))
        publish(current.table);
      return answer;
    } catch (error) {
      log.warn({ problem: String(error) }, 'usage could not be kept; the gateway sends it again');
      return undefined;
    } finally {
      cancel();
    }
  };

  return {
    publish,
    keepUsage: (next) => {
      keeper = next;
    },
    gateways: () => [...connected.values()].map((gateway) => gateway.report),
    onReport: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    handleRouting: (request, response) => {
      if (!mayEnter(request, response)) return;
      const gateway = request.headers['x-muster-gateway'];
      if (typeof gateway !== 'string' || gateway === '' || gateway.length > 200) {
        refuse(
          response,
          400,
          new MusterError('invalid_request', 'a gateway must name itself', { place: 'x-muster-gateway' }),
        );
        return;
      }
      connected.get(gateway)?.response.destroy();
      const entry: Connected = {
        response,
        sent: undefined,
        report: { gateway, startedAt: clock.now(), applied: 0, draining: [], ready: [], incidents: [] },
      };
      connected.set(gateway, entry);
      log.info({ gateway }, 'gateway connected');
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
      response.flushHeaders();
      response.on('drain', () => send(entry));
      response.on('close', () => {
        if (connected.get(gateway) !== entry) return;
        connected.delete(gateway);
        log.info({ gateway }, 'gateway gone');
        for (const listener of listeners) listener({ ...entry.report, draining: [], ready: [], incidents: [] });
      });
      // What was used since the table was made is in it, too.
      if (current !== undefined) current = lineOf(current.table);
      send(entry);
      cancelHeartbeat ??= clock.after(heartbeatMs, beat);
    },
    handleReports: async (request, response) => {
      if (!mayEnter(request, response)) return;
      const report = await readReport(request);
      if (report === undefined) {
        refuse(response, 400, new MusterError('invalid_request', 'the report cannot be read'));
        return;
      }
      const entry = connected.get(report.gateway);
      // Not connected: it reports again once its stream is, and tells its incidents then.
      if (entry === undefined) {
        refuse(response, 409, new MusterError('invalid_request', `gateway "${report.gateway}" is not connected`));
        return;
      }
      entry.report = {
        gateway: report.gateway,
        startedAt: report.startedAt,
        applied: report.applied,
        draining: report.draining,
        ready: report.ready,
        incidents: [],
      };
      for (const listener of listeners) listener(report);
      const usage = await keep(report.usage);
      if (usage === undefined) response.writeHead(204).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ usage }));
    },
    close: () => {
      cancelHeartbeat?.();
      for (const { response } of connected.values()) response.destroy();
      connected.clear();
    },
  };
}

async function readReport(request: IncomingMessage): Promise<GatewayReport | undefined> {
  const timer = setTimeout(() => request.destroy(), reportTimeoutMs);
  try {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxReportBytes) return undefined;
      parts.push(part);
    }
    const parsed = reportSchema.safeParse(JSON.parse(Buffer.concat(parts).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function refuse(response: ServerResponse, status: number, error: MusterError): void {
  response
    .writeHead(status, { 'content-type': 'application/problem+json', connection: 'close' })
    .end(JSON.stringify(toProblem(error)));
}
