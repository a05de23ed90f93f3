import { timingSafeEqual } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { MusterError, type ProcessStatus, openApiDocument } from '@muster-ml/protocol';
import { auditRoutes, createAudit } from './audit/index.ts';
import { backupRoutes, createBackups } from './backups/index.ts';
import { type Configuration, ownEnvironments, urlOf } from './config/index.ts';
import { createDeployments, deploymentRoutes, endpointNotFound, secretUsersOf } from './deployments/index.ts';
import {
  type IdentityRoom,
  createIdentity,
  identityRoutes,
  saveLogin,
  savedLogin,
  tokenInHeader,
} from './identity/index.ts';
import { createFollowing, followRoutes } from './following/index.ts';
import { createHistory, historyRoutes } from './history/index.ts';
import { createInstallation, installationRoutes } from './installation/index.ts';
import { createCheckpointSinks, createLedger, createLedgerRecords, registerLedgerMetrics } from './ledger/index.ts';
import { createIds, systemClock as clock } from './platform/clock/index.ts';
import { type Database, openDatabase } from './platform/database/index.ts';
import { createApiServer, createIdempotency, listenAt, mountPages, mountRaw } from './platform/http/index.ts';
import { createObjectStore, createUploads } from './platform/objects/index.ts';
import { createOperations } from './platform/operations/index.ts';
import { type Channel, type StartRole, processesTopic, watchProcesses } from './platform/processes/index.ts';
import { type Logger, createMetrics, openLogger, softwareVersion } from './platform/telemetry/index.ts';
import {
  createInspector,
  createPythonInspection,
  createRegistry,
  createUncagedPythonGuard,
  registryRoutes,
  uploadRoutes,
} from './registry/index.ts';
import {
  ChannelRuntimeHost,
  type EnvironmentHost,
  type InspectionHost,
  type RuntimeHost,
  runnersTopic,
  shareRuntimeHost,
  startLocalRuntimeHost,
} from './runners/index.ts';
import { createSecrets, secretRoutes } from './secrets/index.ts';
import { createScoring, scoringRoutes } from './scoring/index.ts';
import { createGatewayHub } from './serving/index.ts';
import { createUsage, usageRoutes } from './usage/index.ts';

const sweepEveryMs = 3_600_000;

/** The control plane: everything that is decided and remembered. It listens for the gateway only. */
export const startControl: StartRole<Configuration> = async ({ settings, parent }) => {
  const { logger, close: closeLog } = openLogger({
    role: 'control',
    folder: join(settings.dataDir, 'logs'),
    ...settings.log,
  });
  const version = softwareVersion();
  const newId = createIds(clock);
  const internalToken = internalTokenOf(settings);

  // What is remembered.
  const databaseFile = join(settings.dataDir, 'muster.db');
  const database = await openDatabase({
    url: settings.databaseUrl,
    file: databaseFile,
    onFatal: endAtOnce,
  });
  const objects = await createObjectStore({ folder: join(settings.dataDir, 'objects'), database, clock, newId });
  const uploads = createUploads({ objects, database, clock, newId, maxBytes: settings.limits.maxModelBytes });
  const ledger = createLedger({ clock });
  const identity = createIdentity({ database, ledger, clock, newId, environment: settings.environment });
  const ledgerFolder = join(settings.dataDir, 'ledger');
  const records = createLedgerRecords({
    database,
    ledger,
    clock,
    installationId: async () => await identity.installationId(),
    folder: ledgerFolder,
    sinks: createCheckpointSinks({ ledgerFolder, ...settings.audit, clock }),
    checkpointMs: settings.audit.checkpointMs,
    onError: (error, level) => logger[level]({ err: error }, 'the ledger has no newer checkpoint yet'),
  });
  // Before anything is appended: what follows is the history after the restore.
  await records.takeUpRestore();
  const operations = createOperations({ database, clock, newId });
  const signedInAs = await signIn(identity, database, settings);
  records.start();

  // What runs.
  const { host: runtimeHost, stop: stopHost } = await runtimeHostOf(settings, parent, version, logger);
  const gatewayHub = createGatewayHub({ token: internalToken, clock, log: logger });
  gatewayHub.onReport(({ denials = [], unknownTokens = [], tokensUsed = [] }) =>
    identity.takeReport({ denials, unknownTokens, tokensUsed }),
  );
  // Every room with runners of its own is an owner; the host is told nothing before each has given its first list.
  const sharedHost = shareRuntimeHost(runtimeHost);
  const refuseUncagedPython = createUncagedPythonGuard({
    isolation: () => runtimeHost.isolation,
    countPersonsWithTokens: async () => await identity.countPersonsWithTokens(),
  });
  const registry = createRegistry({
    database,
    objects,
    ledger,
    identity,
    operations,
    inspect: createInspector((file, digest, signal) => runtimeHost.inspect({ kind: 'onnx', file, digest }, signal)),
    python: createPythonInspection((request, signal) => runtimeHost.inspect(request, signal)),
    makeEnvironment: (wish, onProgress, signal) => runtimeHost.makeEnvironment(wish, onProgress, signal),
    refuseUncagedPython,
    clock,
    newId,
  });
  const secrets = createSecrets({
    database,
    identity,
    ledger,
    operations,
    usersOf: secretUsersOf,
    keyFile: settings.secrets.keyFile,
    forgetLost: settings.secrets.forgetLost,
    clock,
    newId,
  });
  const deployments = createDeployments({
    database,
    registry,
    refuseUncagedPython,
    secrets,
    identity,
    ledger,
    operations,
    objects,
    runtimeHost: sharedHost.forOwner('deployments'),
    gatewayHub,
    clock,
    newId,
    installation: await identity.installationId(),
    onError: (error) => logger.error({ err: error }, 'reconciling failed; it is tried again'),
  });
  const usage = createUsage({ database, deployments, identity, clock });
  await usage.start();
  gatewayHub.keepUsage(usage);
  const following = createFollowing({
    database,
    objects,
    ledger,
    identity,
    operations,
    registry,
    deployments,
    clock,
    servers: settings.mlflow.servers,
    everyMs: settings.mlflow.followMs,
    maxModelBytes: settings.limits.maxModelBytes,
    softwareVersion: version,
    onError: (error) => logger.error({ err: error }, 'looking at the followed aliases failed; it is tried again'),
  });
  const scoring = createScoring({
    database,
    objects,
    ledger,
    identity,
    operations,
    deployments,
    refuseUncagedPython,
    secrets,
    runtimeHost: sharedHost.forOwner('scoring'),
    clock,
    newId,
    folder: join(settings.dataDir, 'scores'),
    softwareVersion: version,
    onError: (error) => logger.error({ err: error }, 'scoring failed'),
  });
  const backups = createBackups({
    database,
    source:
      settings.databaseUrl === undefined
        ? { file: databaseFile }
        : { url: settings.databaseUrl, environment: ownEnvironments().server },
    objects,
    identity,
    ledger,
    operations,
    clock,
    folder: settings.backup.folder,
    softwareVersion: version,
    environment: settings.environment,
    installation: await identity.installationId(),
    onError: (error) => logger.error({ err: error }, 'ending an interrupted backup failed'),
  });
  const history = createHistory({ database, identity, usage: async (hours) => await usage.endpointUse(hours) });
  const audit = createAudit({ database, identity, ledger, records, operations });
  const installation = createInstallation({
    identity,
    database,
    objects,
    operations,
    runtimeHost,
    clock,
    softwareVersion: version,
    environment: settings.environment,
    processes: parent === null ? ownProcess : watchProcesses(parent.topic(processesTopic)),
    counts: async (caller) => ({
      models: await registry.countModels(caller),
      ...(await deployments.countEndpoints(caller)),
    }),
  });

  // How it is reached.
  const metrics = createMetrics('control');
  registerLedgerMetrics(metrics, records);
  const app = createApiServer({
    authenticate: async (authorization, requestId) => ({
      actor: await identity.authenticate(tokenInHeader(authorization)),
      requestId,
    }),
    // A limited token must not get what another of the same actor was answered.
    callerId: ({ actor }) => (actor.token === undefined ? actor.id : `${actor.id}/${actor.token.id}`),
    handlers: {
      ...installationRoutes(installation),
      ...identityRoutes(identity, {
        endpoints: { team: async (name, tx) => await deployments.endpointTeam(name, tx), missing: endpointNotFound },
        resources: {
          endpoint: async (id) => asTeam(await deployments.endpointTeam(id)),
          model: async (id) => asTeam(await registry.modelTeam(id)),
        },
      }),
      ...auditRoutes(audit),
      ...registryRoutes(registry),
      ...uploadRoutes(uploads, identity),
      ...deploymentRoutes(deployments),
      ...historyRoutes(history),
      ...scoringRoutes(scoring),
      ...secretRoutes(secrets),
      ...followRoutes(following),
      ...usageRoutes(usage),
      ...backupRoutes(backups),
    },
    idempotency: createIdempotency({ database, clock }),
    logger,
  });
  mountPages(app, {
    openApi: openApiDocument(version),
    metrics: async () => await metrics.metrics(),
    isInternal: (authorization) => equals(authorization ?? '', `Bearer ${internalToken}`),
  });
  mountRaw(app, 'GET', '/internal/v1/routing', (request, response) => gatewayHub.handleRouting(request, response));
  mountRaw(
    app,
    'POST',
    '/internal/v1/reports',
    (request, response) => void gatewayHub.handleReports(request, response),
  );
  // Before anybody can set one: with the wrong key there would be two.
  await secrets.start();
  await listenAt(app, settings.internal.controlAddress);

  identity.start((error) => logger.warn({ err: error }, 'refusals and uses of tokens could not be written down yet'));
  await audit.resume();
  await registry.resume();
  await deployments.reconciler.start();
  await scoring.start();
  await backups.start();
  following.start();
  const keepEnvironments = async (): Promise<void> => await runtimeHost.keepEnvironments(await registry.environments());
  const sweeping = setInterval(() => {
    Promise.all([uploads.sweep(), scoring.sweep(), usage.sweep(), objects.sweep(), keepEnvironments()]).catch(
      (error: unknown) => logger.warn({ err: error }, 'sweeping failed'),
    );
  }, sweepEveryMs);
  keepEnvironments().catch((error: unknown) => logger.warn({ err: error }, 'tidying up environments failed'));

  return {
    facts: { signedInAs },
    async drain() {
      clearInterval(sweeping);
      gatewayHub.close();
      scoring.drain();
      backups.drain();
      // Before the operations: one of its own that ends with them would look as if the copy had failed.
      await following.stop();
      // Those who watch an operation would keep the server open.
      await operations.drain();
      await app.close();
      await deployments.reconciler.drain();
      await stopHost();
      await identity.stop();
      await records.stop();
      await database.close();
      closeLog();
    },
  };
};

/** The owner of a resource, for decisions about it. */
function asTeam(team: string | undefined): { readonly team: string } | undefined {
  return team === undefined ? undefined : { team };
}

/** A failed commit leaves the state of the disk unknown: only a restart finds out what was acknowledged. */
function endAtOnce(error: MusterError): void {
  process.stderr.write(`${error.title}: ${error.message}\n`);
  process.exit(1);
}

function internalTokenOf({ internal }: Configuration): string {
  if (internal.token !== undefined) return internal.token;
  throw new MusterError(
    'invalid_configuration',
    'control on its own shares a secret with its gateways, and none is set',
    {
      place: 'internal.token',
      remedy: 'Set internal.tokenFile to a file with at least 16 random characters, here and for the gateways.',
    },
  );
}

/**
 * Sees that whoever starts Muster on this machine is signed in: the first start makes the admin, and a login that was
 * lost with the configuration folder is renewed, because who owns the database file owns the installation. On
 * PostgreSQL only the first start does so.
 */
async function signIn(identity: IdentityRoom, database: Database, settings: Configuration): Promise<string> {
  const server = urlOf(settings);
  const saved = await savedLogin(settings.configDir, server);
  const isKnown = await identity.authenticate(saved).then(
    () => true,
    () => false,
  );
  const name = userInfo().username;
  const token = await identity.ensureAdmin({ name, renew: !isKnown && database.kind === 'sqlite' });
  if (token !== undefined) await saveLogin(settings.configDir, server, token);
  return name;
}

/** The supervisor's runtime host over its channel; a control on its own has one itself. */
async function runtimeHostOf(
  settings: Configuration,
  parent: Channel | null,
  software: string,
  log: Logger,
): Promise<{ readonly host: RuntimeHost & InspectionHost & EnvironmentHost; readonly stop: () => Promise<void> }> {
  if (parent === null) {
    const { runner, tools } = ownEnvironments();
    const local = await startLocalRuntimeHost({
      configuration: settings,
      environment: runner,
      toolEnvironment: tools,
      software,
      log,
    });
    return { host: local, stop: async () => await local.stop() };
  }
  const host = new ChannelRuntimeHost(parent.topic(runnersTopic), settings.runtimeDir);
  await host.ready;
  return { host, stop: async () => {} };
}

function ownProcess(): readonly ProcessStatus[] {
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  return [
    {
      role: 'control',
      id: 'control',
      state: 'running',
      pid: process.pid,
      startedAt,
      restarts: 0,
      memoryBytes: process.memoryUsage.rss(),
    },
  ];
}

function equals(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
