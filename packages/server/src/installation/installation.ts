import type { InstallationStatus, MusterError, Operation, ProcessStatus } from '@muster-ml/protocol';
import type { Caller, Identity } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import { type Operations, operationNotFound } from '../platform/operations/index.ts';
import type { RuntimeHost } from '../runners/index.ts';

export interface InstallationParts {
  readonly identity: Identity;
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly operations: Operations;
  readonly runtimeHost: RuntimeHost;
  readonly clock: Clock;
  readonly softwareVersion: string;
  readonly environment: string;
  /** The processes that this installation knows of besides the runners: supervisor, control, gateways. */
  readonly processes: () => readonly ProcessStatus[];
  /** How many of what the caller sees, for the summary. */
  readonly counts: (caller: Caller) => Promise<InstallationStatus['counts']>;
}

/** What concerns the installation as a whole: how it is, and the operations that run in it. */
export interface Installation {
  status(caller: Caller): Promise<InstallationStatus>;
  /** Throws `operation_not_found`, also for one of a team that the caller may not see. */
  operation(caller: Caller, id: string): Promise<Operation>;
  watchOperation(caller: Caller, id: string): Promise<(signal: AbortSignal) => AsyncIterable<Operation>>;
  cancelOperation(caller: Caller, id: string): Promise<Operation>;
}

/** What the subject of an operation about an endpoint begins with. */
const ofEndpoint = 'endpoint/';

export function createInstallation(parts: InstallationParts): Installation {
  const { identity, operations, clock } = parts;
  const startedAt = clock.now();

  async function allowed(
    caller: Caller,
    action: 'operation.read' | 'operation.cancel',
    id: string,
  ): Promise<Operation> {
    const { operation, team } = await operations.get(id);
    const { subject, createdBy: owner } = operation;
    const endpoint = subject.startsWith(ofEndpoint) ? subject.slice(ofEndpoint.length) : undefined;
    const missing = (): MusterError => operationNotFound(id);
    identity.authorize(caller, action, { kind: 'operation', id, team, endpoint, owner, missing });
    return operation;
  }

  /** Runners are named after deployments, and details name files: they are for who sees everything, others see what runs. */
  function processesFor(caller: Caller): ProcessStatus[] {
    const own = parts.processes();
    if (identity.seesEverything(caller)) return [...own, ...runnersOf(parts.runtimeHost)];
    return own
      .filter(({ role }) => role !== 'runner')
      .map(({ detail: _detail, ...process }) => ({ ...process, pid: null }));
  }

  return {
    async status(caller) {
      identity.authorize(caller, 'installation.read', { kind: 'installation', id: 'status' });
      const [databaseOk, objectsOk, counts] = await Promise.all([
        parts.database.isHealthy(),
        parts.objects.isHealthy(),
        parts.counts(caller),
      ]);
      return {
        version: parts.softwareVersion,
        environment: parts.environment,
        startedAt: new Date(startedAt).toISOString(),
        database: { kind: parts.database.kind, ok: databaseOk },
        objects: { kind: parts.objects.kind, ok: objectsOk },
        isolation: { ...parts.runtimeHost.isolation },
        processes: processesFor(caller),
        counts,
      };
    },

    operation: async (caller, id) => await allowed(caller, 'operation.read', id),

    async watchOperation(caller, id) {
      await allowed(caller, 'operation.read', id);
      return (signal) => operations.watch(id, signal);
    },

    async cancelOperation(caller, id) {
      await allowed(caller, 'operation.cancel', id);
      return await operations.cancel(id);
    },
  };
}

function runnersOf(host: RuntimeHost): ProcessStatus[] {
  return host.observed().map((runner) => ({
    role: 'runner',
    id: runner.id,
    state: runner.state,
    pid: runner.pid,
    startedAt: runner.startedAt === null ? null : new Date(runner.startedAt).toISOString(),
    restarts: runner.restarts,
    memoryBytes: runner.rssBytes,
    isolation: runner.isolation,
    detail: runner.problem?.detail ?? `${runner.replicas.length} replicas`,
  }));
}
