import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import type { FastifyInstance } from 'fastify';

/** `unix:/path/to/socket`, or `http://host:port`. */
export type ListenAddress = string;

/**
 * Listens where only those who may can reach it: a Unix socket gets mode 0600 in a folder with mode 0700, and takes the
 * place of one that a crash left. Throws `port_taken`, `invalid_configuration`.
 */
export async function listenAt(app: FastifyInstance, address: ListenAddress): Promise<void> {
  try {
    if (address.startsWith('unix:')) await listenAtSocket(app, address.slice('unix:'.length));
    else await listenAtPort(app, new URL(address));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === 'EADDRINUSE') throw new MusterError('port_taken', `${address} is in use`, { cause: error });
    if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOENT')
      throw new MusterError('invalid_configuration', `cannot listen on ${address} (${code})`, { cause: error });
    throw error;
  }
}

async function listenAtSocket(app: FastifyInstance, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  await app.listen({ path });
  await chmod(path, 0o600);
}

async function listenAtPort(app: FastifyInstance, url: URL): Promise<void> {
  await app.listen({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) });
}
