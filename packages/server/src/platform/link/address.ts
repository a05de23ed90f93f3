import type { NetConnectOpts } from 'node:net';
import { MusterError } from '@muster-ml/protocol';

/** What `unix:/path` or `tcp:host:port` (IPv6 in brackets) says to connect to. Throws `invalid_configuration` for anything else. */
export function parseLinkAddress(
  address: string,
): NetConnectOpts & ({ readonly path: string } | { readonly host: string; readonly port: number }) {
  if (address.startsWith('unix:') && address.length > 5) return { path: address.slice(5) };
  const match = /^tcp:(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new MusterError('invalid_configuration', `"${address}" is no address of a runner`, {
    remedy: 'Write unix:/path or tcp:host:port.',
  });
}
