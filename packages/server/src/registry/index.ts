export { createInspector } from './inspect-file.ts';
export { createRegistry } from './registry.ts';
export { registryRoutes, uploadRoutes } from './routes.ts';
export type { ServedVersion } from './served-version.ts';
