import { hostname } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import type { Configuration } from './config/index.ts';
import { createIds, systemClock } from './platform/clock/index.ts';
import { type RoleContext, type StartedRole, makePrivateFolder } from './platform/processes/index.ts';
import { createMetrics, openLogger, softwareVersion } from './platform/telemetry/index.ts';
import { createGateway } from './serving/index.ts';

/**
 * The gateway process: the data plane behind the public port. It needs no database and starts before control does, from
 * the routing table that it kept. Throws `port_taken` and `invalid_configuration`.
 */
export async function startGateway({ settings, parent }: RoleContext<Configuration>): Promise<StartedRole> {
  const { internal, gateway: limits, tls } = settings;
  if (internal.token === undefined) {
    throw new MusterError('invalid_configuration', 'a gateway on its own needs the secret that control knows it by', {
      place: 'internal.token',
      remedy: 'Set MUSTER_INTERNAL_TOKEN, or internal.tokenFile.',
    });
  }
  const folder = join(settings.dataDir, 'gateway');
  makePrivateFolder(folder);
  const { logger, close } = openLogger({
    role: 'gateway',
    ...settings.log,
    ...(parent === null ? {} : { folder: join(settings.dataDir, 'logs') }),
  });
  const metrics = createMetrics('gateway');

  const gateway = createGateway({
    host: settings.host,
    port: settings.port,
    tls: tls.cert === undefined || tls.key === undefined ? undefined : { certFile: tls.cert, keyFile: tls.key },
    trustedProxies: settings.trustedProxies,
    allowedHosts: limits.allowedHosts,
    openMetrics: limits.openMetrics,
    control: { address: internal.controlAddress, token: internal.token },
    gatewayId: `${hostname()}-${process.pid}`,
    tableFile: join(folder, 'routing-table.json'),
    staleAuthLimitMs: limits.staleAuthLimitMs,
    softwareVersion: softwareVersion(),
    faceLimits: { bodyTimeoutMs: limits.bodyMs, bodyBytesInFlight: limits.maxBodyBytesInFlight },
    forward: { maxRequests: limits.maxForwards, idleTimeoutMs: limits.forwardIdleMs },
    maxConnections: limits.maxConnections,
    newRequestId: createIds(systemClock),
    log: logger,
    processMetrics: () => metrics.metrics(),
  });
  await gateway.start();
  logger.info({ address: gateway.address }, 'listening');

  return {
    facts: {
      address: gateway.address,
      port: Number(new URL(gateway.address).port || (tls.cert === undefined ? 80 : 443)),
    },
    drain: async () => {
      const isFinished = await gateway.drain(limits.drainMs);
      if (!isFinished) logger.warn({ drainMs: limits.drainMs }, 'requests were still open at the end of the drain');
      await gateway.stop();
      logger.info('stopped');
      close();
    },
  };
}
