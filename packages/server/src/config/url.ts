import type { Configuration } from './settings.ts';

/** Where a person or a program on this machine reaches Muster; `localhost` where it listens on this machine or on all addresses. */
export function urlOf({ host, port, tls }: Pick<Configuration, 'host' | 'port' | 'tls'>): string {
  const isLocal = ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host);
  const name = isLocal ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${tls.cert === undefined ? 'http' : 'https'}://${name}:${port}`;
}
