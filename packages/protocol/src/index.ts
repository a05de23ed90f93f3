export * from './errors/index.ts';
export * from './inference/index.ts';
export * from './management/index.ts';
export { openApiDocument } from './openapi.ts';
export type { RawBody, Route } from './route.ts';
export { type RouteName, type Routes, routes } from './routes.ts';
export type { IdentityRouteName } from './routes/identity.ts';
export * from './readiness/index.ts';
export * from './runtime/index.ts';
