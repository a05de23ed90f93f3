export { createInspector } from './inspect-file.ts';
export { createPythonInspection } from './python-inspection.ts';
export { type Registry, createRegistry } from './registry.ts';
export { type RefuseUncagedPython, createUncagedPythonGuard } from './uncaged-python.ts';
export { registryRoutes, uploadRoutes } from './routes.ts';
export type { ServedVersion } from './served-version.ts';
