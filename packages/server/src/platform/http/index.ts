export { type ApiServerOptions, createApiServer } from './api-server.ts';
export type { EventAnswer, RawAnswer, RouteAnswer, RouteCall, RouteHandlers } from './handlers.ts';
export { type Idempotency, createIdempotency } from './idempotency.ts';
export { referencePage } from './reference-page.ts';
export { requestIdFrom } from './request-id.ts';
