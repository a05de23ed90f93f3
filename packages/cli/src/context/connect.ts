import { type Client, createClient } from '@muster-ml/client';
import type { Terminal } from '../output/terminal.ts';
import { softwareVersion } from '../software-version.ts';
import { isLoopbackUrl } from './server-url.ts';

/** A client of the server, with a warning where the token would cross a network readable. */
export function connect(
  server: string,
  token: string | undefined,
  terminal: Terminal,
  interruption: AbortSignal,
): Client {
  if (token !== undefined && server.startsWith('http:') && !isLoopbackUrl(server))
    terminal.warn(
      `${terminal.symbols.warning} warning: the token crosses the network readable; use https:// for ${server}`,
    );
  return createClient({ url: server, token, userAgent: `muster-cli/${softwareVersion()}`, signal: interruption });
}
