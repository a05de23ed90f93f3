import type {
  Action,
  DeployRequest,
  Endpoint,
  EndpointEvent,
  Operation,
  Page,
  PageQuery,
  updateEndpointSchema,
} from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller, Identity } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { SecretUses } from '../secrets/index.ts';
import { cancelDeployment } from './cancel-deployment.ts';
import type { DeploymentParts } from './change-endpoint.ts';
import { countEndpoints } from './count-endpoints.ts';
import { deleteEndpoint } from './delete-endpoint.ts';
import { deploy } from './deploy.ts';
import { endDeploymentById } from './end-deployment.ts';
import {
  type ObserveOptions,
  type ObserveResult,
  type ObserveWish,
  type PlanObserved,
  changeObservedEndpoint,
  observeEndpoint,
} from './observe-endpoint.ts';
import { promote } from './promote.ts';
import {
  type ReadParts,
  type ServedEndpoint,
  getEndpoint,
  listEndpoints,
  listEvents,
  render,
  servedEndpoint,
} from './read-endpoints.ts';
import { Reconciler, type ReconcilerParts } from './reconciler.ts';
import { restartReplicas } from './restart-replicas.ts';
import { rollback } from './rollback.ts';
import { createDeploymentStore } from './store.ts';
import { updateEndpoint } from './update-endpoint.ts';

export interface DeploymentsParts
  extends Omit<DeploymentParts, 'store' | 'wake' | 'secrets'>, Omit<ReconcilerParts, 'store' | 'identity' | 'secrets'> {
  readonly identity: Identity;
  readonly secrets: SecretUses;
}

/** Endpoints and deployments: the use cases, and the reconciler that makes them come true. */
export interface Deployments {
  deploy(caller: Caller, endpoint: string, request: DeployRequest): Promise<Operation>;
  promote(caller: Caller, endpoint: string): Promise<Operation>;
  /** Starts its replicas anew, without losing a request. */
  restartReplicas(caller: Caller, endpoint: string): Promise<Endpoint>;
  rollback(caller: Caller, endpoint: string, request: { readonly force?: string | undefined }): Promise<Operation>;
  endDeployment(caller: Caller, endpoint: string, deployment: string): Promise<void>;
  updateEndpoint(
    caller: Caller,
    endpoint: string,
    patch: z.output<typeof updateEndpointSchema>,
    revision: number | undefined,
  ): Promise<Endpoint>;
  deleteEndpoint(caller: Caller, endpoint: string): Promise<void>;
  /** `action` is what a use case of another room does with it; without one, reading. */
  getEndpoint(caller: Caller, endpoint: string, action?: Action): Promise<Endpoint>;
  listEndpoints(caller: Caller, query: PageQuery): Promise<Page<Endpoint>>;
  listEvents(caller: Caller, endpoint: string, query: PageQuery): Promise<Page<EndpointEvent>>;
  /** For use cases of other rooms: the endpoint and what is deployed, if the caller may do this with it. */
  servedEndpoint(caller: Caller, action: Action, endpoint: string): Promise<ServedEndpoint>;
  /** The team of an endpoint that is there, for who decides about it; nothing is decided here. */
  endpointTeam(endpoint: string, tx?: Tx): Promise<string | undefined>;
  /** How many the caller sees, for the installation's summary. */
  countEndpoints(caller: Caller): Promise<{ readonly endpoints: number; readonly ready: number }>;
  /** Lists an endpoint that something else serves, with what only the caller of this knows of it. */
  observeEndpoint(
    caller: Caller,
    wish: ObserveWish,
    options: ObserveOptions,
    plan: PlanObserved,
  ): Promise<ObserveResult>;
  /** Changes what only an endpoint has that something else serves. */
  changeObservedEndpoint(caller: Caller, endpoint: string, plan: PlanObserved): Promise<void>;
  readonly reconciler: Reconciler;
}

/** Puts the room together; nothing runs before `reconciler.start()`. */
export function createDeployments(parts: DeploymentsParts): Deployments {
  const store = createDeploymentStore(parts.database);
  const reconciler = new Reconciler({ ...parts, store });
  const using: DeploymentParts = { ...parts, store, wake: () => reconciler.wake() };
  const seen = () =>
    new Map(
      parts.runtimeHost
        .observed()
        .flatMap((runner) => runner.replicas.map((replica) => [replica.id, replica] as const)),
    );
  const reading: ReadParts = { ...using, seen };
  parts.operations.onCancel('deploy', async (id) => await cancelDeployment(using, id));
  return {
    deploy: async (caller, endpoint, request) => await deploy(using, caller, endpoint, request),
    promote: async (caller, endpoint) => await promote(using, caller, endpoint),
    rollback: async (caller, endpoint, request) => await rollback(using, caller, endpoint, request),
    endDeployment: async (caller, endpoint, deployment) => await endDeploymentById(using, caller, endpoint, deployment),
    updateEndpoint: async (caller, endpoint, patch, revision) => {
      const [updated] = await render(reading, [await updateEndpoint(using, caller, endpoint, patch, revision)]);
      return updated ?? (await getEndpoint(reading, caller, endpoint));
    },
    deleteEndpoint: async (caller, endpoint) => await deleteEndpoint(using, caller, endpoint),
    getEndpoint: async (caller, endpoint, action) => await getEndpoint(reading, caller, endpoint, action),
    listEndpoints: async (caller, query) => await listEndpoints(reading, caller, query),
    listEvents: async (caller, endpoint, query) => await listEvents(reading, caller, endpoint, query),
    restartReplicas: async (caller, endpoint) => {
      await restartReplicas(using, caller, endpoint);
      return await getEndpoint(reading, caller, endpoint);
    },
    servedEndpoint: async (caller, action, endpoint) => await servedEndpoint(using, caller, action, endpoint),
    endpointTeam: async (endpoint, tx) => await store.teamOf(endpoint, tx),
    observeEndpoint: async (caller, wish, options, plan) => await observeEndpoint(using, caller, wish, options, plan),
    changeObservedEndpoint: async (caller, endpoint, plan) =>
      await changeObservedEndpoint(using, caller, endpoint, plan),
    countEndpoints: async (caller) => await countEndpoints(parts, caller),
    reconciler,
  };
}
