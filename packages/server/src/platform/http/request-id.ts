import { randomUUID } from 'node:crypto';

// As the gateway judges (serving/http/request-id.ts), so that one id goes through all processes.
const sane = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** The caller's request id if it is harmless in logs, else a new one. */
export function requestIdFrom(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && sane.test(header) ? header : randomUUID();
}
