export { createApiServer } from './api-server.ts';
export type { RawAnswer, RouteHandlers } from './handlers.ts';
export { createIdempotency } from './idempotency.ts';
export { listenAt } from './listen.ts';
export { mountPages } from './pages.ts';
export { mountRaw } from './raw-route.ts';
