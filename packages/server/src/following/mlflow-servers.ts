import { readFile } from 'node:fs/promises';
import { type MlflowServer, createMlflowServer } from '@muster-ml/client';
import { MusterError } from '@muster-ml/protocol';

/** An MLflow server as the configuration names it: the address, and the files that hold its credentials. */
export interface ConfiguredServer {
  readonly url: string;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/**
 * The configured server at an address, with its credentials read now, so that a file that was changed counts at once.
 * Throws `mlflow_unknown_server`: whoever may deploy must not make this machine call any address there is.
 */
export async function connectServer(
  servers: readonly ConfiguredServer[],
  address: string,
  signal: AbortSignal,
  userAgent: string,
): Promise<MlflowServer> {
  const wanted = normal(address);
  const known = servers.find(({ url }) => normal(url) === wanted);
  if (known === undefined) throw unknownServer(servers, wanted);
  return createMlflowServer({
    url: known.url,
    username: known.username,
    password: await secretIn(known.passwordFile, 'mlflow.servers[].passwordFile'),
    token: await secretIn(known.tokenFile, 'mlflow.servers[].tokenFile'),
    signal,
    userAgent,
  });
}

/** Throws `mlflow_unknown_server` where the configuration does not name the address; answers it without what varies. */
export function requireServer(servers: readonly ConfiguredServer[], address: string): string {
  const wanted = normal(address);
  if (servers.some(({ url }) => normal(url) === wanted)) return wanted;
  throw unknownServer(servers, wanted);
}

function unknownServer(servers: readonly ConfiguredServer[], wanted: string): MusterError {
  const known = servers.map(({ url }) => normal(url)).join(', ');
  return new MusterError(
    'mlflow_unknown_server',
    `${wanted} is none of the MLflow servers that this installation may ask${known === '' ? '' : ` (${known})`}`,
    { place: 'body.server' },
  );
}

/** Without credentials, in lower case where case says nothing, without a slash at the end. */
function normal(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}

async function secretIn(file: string | undefined, place: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
    throw new MusterError('invalid_configuration', `the file of ${place} can't be read (${code})`, { place });
  }
}
