import type { Handlers } from '../identity/index.ts';
import type { Deployments } from './create-deployments.ts';

/** The routes of this room. */
export type DeploymentRoute =
  | 'endpointList'
  | 'endpointGet'
  | 'endpointUpdate'
  | 'endpointDelete'
  | 'endpointEvents'
  | 'deploy'
  | 'deploymentEnd'
  | 'promote'
  | 'rollback'
  | 'endpointRestart';

/** Translates the management API into use cases. */
export function deploymentRoutes(deployments: Omit<Deployments, 'reconciler'>): Handlers<DeploymentRoute> {
  return {
    endpointList: async ({ caller, query }) => {
      const { items, next } = await deployments.listEndpoints(caller, query);
      return { items: [...items], next };
    },
    endpointGet: async ({ caller, params }) => await deployments.getEndpoint(caller, params.endpoint),
    endpointUpdate: async ({ caller, params, body, ifMatch }) =>
      await deployments.updateEndpoint(caller, params.endpoint, body, ifMatch),
    endpointDelete: async ({ caller, params }) => {
      await deployments.deleteEndpoint(caller, params.endpoint);
      return undefined;
    },
    endpointEvents: async ({ caller, params, query }) => {
      const { items, next } = await deployments.listEvents(caller, params.endpoint, query);
      return { items: [...items], next };
    },
    deploy: async ({ caller, params, body }) => await deployments.deploy(caller, params.endpoint, body),
    deploymentEnd: async ({ caller, params }) => {
      await deployments.endDeployment(caller, params.endpoint, params.deployment);
      return undefined;
    },
    promote: async ({ caller, params }) => await deployments.promote(caller, params.endpoint),
    endpointRestart: async ({ caller, params }) => await deployments.restartReplicas(caller, params.endpoint),
    rollback: async ({ caller, params, body }) => await deployments.rollback(caller, params.endpoint, body),
  };
}
