import { UsageError } from '../usage-error.ts';

export const defaultServer = 'http://localhost:7070';

/** The address of a server in its one spelling: with a scheme, without a path's last `/`. Throws `UsageError`. */
export function serverUrl(text: string, place: string): string {
  const withScheme = /^https?:\/\//i.test(text) ? text : isOnThisMachine(text) ? `http://${text}` : undefined;
  if (withScheme === undefined || !URL.canParse(withScheme))
    throw new UsageError(
      `\`${text}\` is no address of a server`,
      `Write it as ${defaultServer} or https://muster.example.com.`,
      place,
    );
  const url = new URL(withScheme);
  if (url.username !== '' || url.password !== '')
    throw new UsageError('an address carries no password', 'Sign in with muster login or MUSTER_TOKEN.', place);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** Whether the address leads to this machine, so that what is sent crosses no network. */
export function isLoopbackUrl(server: string): boolean {
  return isOnThisMachine(new URL(server).host);
}

function isOnThisMachine(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(\/|$)/i.test(host);
}

/** Other spellings under which a token for this machine may be kept. */
export function spellings(server: string): string[] {
  const url = new URL(server);
  if (!isOnThisMachine(url.host)) return [server];
  return ['localhost', '127.0.0.1', '[::1]'].map((name) =>
    server.replace(url.host, url.host.replace(/^(\[::1\]|[^:]+)/, name)),
  );
}
