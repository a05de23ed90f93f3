/**
 * The token of an `Authorization` header: `Bearer <token>`, or `Basic` with the token as password, because the
 * plugins of the usual inference clients know only that. Undefined where there is none.
 */
export function tokenOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > 4096) return undefined;
  const space = authorization.indexOf(' ');
  if (space < 0) return undefined;
  const credentials = authorization.slice(space + 1).trim();
  if (credentials === '') return undefined;
  switch (authorization.slice(0, space).toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic': {
      const pair = Buffer.from(credentials, 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      return colon < 0 || colon === pair.length - 1 ? undefined : pair.slice(colon + 1);
    }
    default:
      return undefined;
  }
}
