export { type Installation, type InstallationParts, createInstallation } from './installation.ts';
export { installationRoutes } from './routes.ts';
