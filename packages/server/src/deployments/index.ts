export { endpointNotFound } from './change-endpoint.ts';
export { type Deployments, createDeployments } from './create-deployments.ts';
export { deploymentRoutes } from './routes.ts';
export type { DeploymentTables } from './rows.ts';
export { secretUsersOf } from './secret-users.ts';
export { howItRuns, runnerFor } from './runner-wishes.ts';
