import { type Configuration, urlOf } from './config/index.ts';
import type { Deployments } from './deployments/index.ts';
import { type Drills, createDrills, drillRoutes } from './drills/index.ts';
import { type Handlers, type IdentityRoom, endEndpointToken, makeEndpointToken } from './identity/index.ts';
import { createInsights, insightRoutes } from './insights/index.ts';
import type { Ledger } from './ledger/index.ts';
import { type Observing, createObserving, observedRoutes } from './observing/index.ts';
import type { Notify } from './notifications/index.ts';
import type { Clock, NewId } from './platform/clock/index.ts';
import type { Database } from './platform/database/index.ts';
import type { ObjectStore } from './platform/objects/index.ts';
import type { Operations } from './platform/operations/index.ts';
import { type Logger, softwareVersion } from './platform/telemetry/index.ts';
import { type Readiness, createReadiness, readinessRoutes } from './readiness/index.ts';
import type { Registry } from './registry/index.ts';
import type { RunnerEnder, RuntimeHost } from './runners/index.ts';
import type { Standings } from './standing/index.ts';
import type { Usage } from './usage/index.ts';

/** What the rooms above the deployments are made of. */
export interface GovernanceParts {
  readonly settings: Configuration;
  readonly database: Database;
  readonly ledger: Ledger;
  readonly identity: IdentityRoom;
  readonly operations: Operations;
  readonly registry: Registry;
  readonly deployments: Deployments;
  readonly usage: Usage;
  readonly objects: Pick<ObjectStore, 'localFile'>;
  readonly runtimeHost: Pick<RuntimeHost, 'observed'> & RunnerEnder;
  readonly notify: Notify;
  readonly standings: Standings;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: Logger;
}

type GovernedRoutes =
  | 'rubricGet'
  | 'endpointReadiness'
  | 'versionReadiness'
  | 'standingEvents'
  | 'submit'
  | 'submissionList'
  | 'submissionGet'
  | 'submissionApprove'
  | 'submissionReject'
  | 'evidenceList'
  | 'evidenceAttest'
  | 'waiverList'
  | 'waiverRequest'
  | 'waiverApprove'
  | 'waiverReject'
  | 'waiverRevoke'
  | 'drillStart'
  | 'drillScheduleList'
  | 'drillScheduleSet'
  | 'drillScheduleEnd'
  | 'observedList'
  | 'observedCreate'
  | 'observedImport'
  | 'observedGet'
  | 'observedUpdate'
  | 'observationPush'
  | 'insightsTime';

/** The rooms that judge and watch what is deployed, put together. */
export interface Governance {
  readonly handlers: Handlers<GovernedRoutes>;
  /** Called once, after the deployments work. */
  start(): Promise<void>;
  /** Removes what is no longer kept; called every hour. */
  sweep(): Promise<void>;
  /** Ends what goes on by itself. */
  drain(): Promise<void>;
}

export function composeGovernance(parts: GovernanceParts): Governance {
  const readiness = readinessOf(parts);
  const drills = drillsOf(parts, readiness);
  const observing = observingOf(parts);
  const insights = createInsights({ database: parts.database, identity: parts.identity, clock: parts.clock });
  return {
    handlers: {
      ...readinessRoutes(readiness, (caller) =>
        parts.identity.authorize(caller, 'installation.read', { kind: 'installation', id: 'rubric' }),
      ),
      ...drillRoutes(drills),
      ...observedRoutes(observing),
      ...insightRoutes(insights),
    },
    async start() {
      await drills.start();
      observing.start();
      readiness.start();
    },
    async sweep() {
      await drills.sweep();
    },
    async drain() {
      await readiness.stop();
      drills.drain();
      await observing.drain();
    },
  };
}

function readinessOf(parts: GovernanceParts): Readiness {
  const { settings, logger } = parts;
  return createReadiness({
    ...parts,
    environment: settings.environment,
    everyMs: settings.readiness.everyMs,
    onError: (error) => logger.error({ err: error }, 'judging standings failed; it is tried again'),
  });
}

function drillsOf(parts: GovernanceParts, readiness: Readiness): Drills {
  const { settings, identity, logger } = parts;
  const { gatewayUrl, lookMs } = settings.drills;
  return createDrills({
    ...parts,
    hold: readiness.hold,
    recordEvidence: readiness.recordEvidence,
    tokens: {
      make: async (caller, wish) => await makeEndpointToken(identity, caller, wish),
      end: async (caller, id, team) => await endEndpointToken(identity, caller, id, team),
    },
    gateway: {
      url: gatewayUrl ?? urlOf(settings),
      certificateFile: gatewayUrl === undefined ? settings.tls.cert : undefined,
    },
    lookMs,
    onError: (error) => logger.error({ err: error }, 'a drill left something undone'),
  });
}

function observingOf(parts: GovernanceParts): Observing {
  const { allowedHosts, allowPrivate, everyMs, timeoutMs } = parts.settings.observing;
  return createObserving({
    ...parts,
    rules: { allowedHosts, allowPrivate },
    everyMs,
    timeoutMs,
    userAgent: `muster/${softwareVersion()} probe`,
    onError: (error) => parts.logger.error({ err: error }, 'looking at probes failed; it is tried again'),
  });
}
