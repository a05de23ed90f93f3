import { MusterError } from '@muster-ml/protocol';

/** Longest path of a Unix socket that every system takes. */
const maxSocketPathBytes = 103;

/** Where a runner listens, as node:net takes it. */
export type ListenAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** Reads `unix:/path` or `tcp:host:port` (an IPv6 host in brackets; port 0 takes a free one). Throws `invalid_configuration`. */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:/')) {
    const path = text.slice('unix:'.length);
    if (Buffer.byteLength(path) <= maxSocketPathBytes) return { path };
    throw new MusterError(
      'invalid_configuration',
      `the path of the socket has ${Buffer.byteLength(path)} bytes; ${maxSocketPathBytes} are possible`,
      { place: '--listen' },
    );
  }
  const tcp = /^tcp:(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/u.exec(text)?.groups;
  const host = tcp?.['v6'] ?? tcp?.['name'];
  const port = Number(tcp?.['port']);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new MusterError('invalid_configuration', `"${text}" is no address to listen on`, {
    place: '--listen',
    remedy: 'Use unix:/path or tcp:host:port.',
  });
}
