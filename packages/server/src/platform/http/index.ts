export { type ApiServerOptions, createApiServer } from './api-server.ts';
export type { EventAnswer, RawAnswer, RouteAnswer, RouteCall, RouteHandlers } from './handlers.ts';
export { type Idempotency, createIdempotency } from './idempotency.ts';
export { type Pages, mountPages } from './pages.ts';
export { type ListenAddress, listenAt } from './listen.ts';
export { mountRaw } from './raw-route.ts';
export { referencePage } from './reference-page.ts';
export { requestIdFrom } from './request-id.ts';
