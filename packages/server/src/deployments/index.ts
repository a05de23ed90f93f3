export { type Deployments, createDeployments } from './create-deployments.ts';
export { deploymentRoutes } from './routes.ts';
export { howItRuns, runnerFor } from './runner-wishes.ts';
