export type { VersionSource } from './change-endpoint.ts';
export { type Deployments, type DeploymentsParts, createDeployments } from './create-deployments.ts';
export type { Reconciler } from './reconciler.ts';
export { type DeploymentRoute, deploymentRoutes } from './routes.ts';
