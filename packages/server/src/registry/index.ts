export { type Inspect, type Inspection, type InspectorOptions, createInspector } from './inspect-file.ts';
export { type Registry, createRegistry } from './registry.ts';
export { registryRoutes, uploadRoutes } from './routes.ts';
export type { ServedVersion } from './served-version.ts';
