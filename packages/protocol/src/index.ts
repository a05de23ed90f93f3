export * from './errors/index.ts';
export * from './inference/index.ts';
export * from './management/index.ts';
export { openApiDocument } from './openapi.ts';
export { type RawBody, type Route, type RouteName, type Routes, routes } from './routes.ts';
export * from './runtime/index.ts';
