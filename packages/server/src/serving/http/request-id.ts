const sane = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** The caller's `x-request-id` where it is harmless in logs and headers, else a new one. */
export function requestIdOf(header: string | string[] | undefined, newRequestId: () => string): string {
  return typeof header === 'string' && sane.test(header) ? header : newRequestId();
}
