export { createInstallation } from './installation.ts';
export { installationRoutes } from './routes.ts';
