import { join } from 'node:path';
import { openApiDocument } from '@muster-ml/protocol';
import { auditRoutes, createAudit } from './audit/index.ts';
import { backupRoutes, createBackups } from './backups/index.ts';
import { type Configuration, ownEnvironments } from './config/index.ts';
import { createDeployments, deploymentRoutes, endpointNotFound, secretUsersOf } from './deployments/index.ts';
import { createIdentity, identityRoutes, tokenInHeader } from './identity/index.ts';
import { endAtOnce, equals, internalTokenOf, ownProcess, runtimeHostOf, signIn } from './control-start.ts';
import { composeGovernance } from './governance.ts';
import { createFollowing, followRoutes } from './following/index.ts';
import { createHistory, historyRoutes } from './history/index.ts';
import { createInstallation, installationRoutes } from './installation/index.ts';
import { createCheckpointSinks, createLedger, createLedgerRecords, registerLedgerMetrics } from './ledger/index.ts';
import { createIds, systemClock as clock } from './platform/clock/index.ts';
import { createNotifications, notificationRoutes, readChannels } from './notifications/index.ts';
import { openDatabase } from './platform/database/index.ts';
import { createApiServer, createIdempotency, listenAt, mountPages, mountRaw } from './platform/http/index.ts';
import { createObjectStore, createUploads } from './platform/objects/index.ts';
import { createOperations } from './platform/operations/index.ts';
import { type StartRole, processesTopic, watchProcesses } from './platform/processes/index.ts';
import { createMetrics, openLogger, softwareVersion } from './platform/telemetry/index.ts';
import {
  createInspector,
  createPythonInspection,
  createRegistry,
  createUncagedPythonGuard,
  registryRoutes,
  uploadRoutes,
} from './registry/index.ts';
import { shareRuntimeHost } from './runners/index.ts';
import { createSecrets, secretRoutes } from './secrets/index.ts';
import { createScoring, scoringRoutes } from './scoring/index.ts';
import { createGatewayHub } from './serving/index.ts';
import { createStandings } from './standing/index.ts';
import { createUsage, usageRoutes } from './usage/index.ts';
import { createUseCases, useCaseRoutes } from './usecases/index.ts';

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
  const channels = readChannels(settings.notifications, {
    environment: settings.environment,
    userAgent: `muster/${version}`,
  });

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
  const identity = createIdentity({
    database,
    ledger,
    clock,
    newId,
    environment: settings.environment,
    heldBack: async () => await standings.heldBack(),
  });
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
  const notifications = createNotifications({
    database,
    identity,
    ledger,
    clock,
    newId,
    channels,
    onError: (error) => logger.warn({ err: error }, 'a notification was not delivered'),
  });
  const { notify } = notifications;
  const useCases = createUseCases({ database, identity, ledger, notify, clock, newId });
  const standings = createStandings({
    database,
    ledger,
    identity,
    notify,
    environment: settings.environment,
    newId,
  });
  const deployments = createDeployments({
    standings,
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
  const governance = composeGovernance({
    standings,
    settings,
    database,
    ledger,
    identity,
    operations,
    registry,
    deployments,
    usage,
    objects,
    runtimeHost,
    notify,
    clock,
    newId,
    logger,
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
        endpoints: {
          team: async (name, tx) => await deployments.endpointTeam(name, tx),
          missing: endpointNotFound,
          refuseNewCallers: async (name, tx) => await standings.refuseNewCallers(tx, name),
        },
        resources: {
          endpoint: async (id) => asTeam(await deployments.endpointTeam(id)),
          model: async (id) => asTeam(await registry.modelTeam(id)),
          usecase: async (id) => await useCases.resource(id),
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
      ...useCaseRoutes(useCases),
      ...notificationRoutes(notifications),
      ...governance.handlers,
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
  await notifications.start();
  await governance.start();
  following.start();
  const keepEnvironments = async (): Promise<void> => await runtimeHost.keepEnvironments(await registry.environments());
  const sweeping = setInterval(() => {
    Promise.all([
      uploads.sweep(),
      scoring.sweep(),
      usage.sweep(),
      notifications.sweep(),
      governance.sweep(),
      objects.sweep(),
      keepEnvironments(),
    ]).catch((error: unknown) => logger.warn({ err: error }, 'sweeping failed'));
  }, sweepEveryMs);
  keepEnvironments().catch((error: unknown) => logger.warn({ err: error }, 'tidying up environments failed'));

  return {
    facts: { signedInAs },
    async drain() {
      clearInterval(sweeping);
      gatewayHub.close();
      scoring.drain();
      backups.drain();
      await governance.drain();
      // Before the operations: one of its own that ends with them would look as if the copy had failed.
      await following.stop();
      // Those who watch an operation would keep the server open.
      await operations.drain();
      await app.close();
      await deployments.reconciler.drain();
      await notifications.stop();
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
