import type { z } from 'zod';
import type { Action } from './management/actions.ts';

/** What a route's body or answer is when it is not JSON. */
export type RawBody = 'octet-stream' | 'event-stream';

/** One route of the management API: the source of the server's validation, the client, the OpenAPI document and the permission page. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `{name}` parameters; each is one percent-encoded segment. */
  readonly path: string;
  readonly action: Action;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType | RawBody;
  /** The most that a body in JSON may take, where that is more than management requests usually do. */
  readonly bodyBytes?: number;
  readonly answer: { readonly status: 200 | 201 | 202 | 204; readonly schema?: z.ZodType | RawBody };
  /** An update that takes `If-Match` with the ETag that the read gave. */
  readonly conditional?: boolean;
}

/** Checks a route against its type and keeps the literal one. */
export function route<const R extends Route>(definition: R): R {
  return definition;
}
