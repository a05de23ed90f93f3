import { createServer } from 'node:net';
import { MusterError } from '@muster-ml/protocol';

/**
 * The port to use: the wished one after a look whether it can be listened on, before anything is started for it, or for 0
 * one that is free. Throws `port_taken`, naming a free one, and `invalid_configuration` for an address that is not this
 * machine's or a port that we may not use.
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const found = await tryListen(host, port);
  if (typeof found === 'number') return found;
  const code = found;
  if (code === 'EADDRINUSE') {
    const free = await nextFree(host, port);
    throw new MusterError('port_taken', `port ${port} on ${host} is used by another program`, {
      place: '--port',
      ...(free === null
        ? {}
        : {
            remedy: `Take a free one: --port ${free}. Or stop the program that uses it.`,
            details: { freePort: free },
          }),
    });
  }
  if (code === 'EACCES')
    throw new MusterError('invalid_configuration', `port ${port} is for privileged programs`, {
      place: '--port',
      remedy: 'Choose one above 1023.',
    });
  throw new MusterError('invalid_configuration', `${host} cannot be listened on (${code})`, {
    place: '--host',
    remedy: 'Choose an address of this machine.',
  });
}

async function nextFree(host: string, port: number): Promise<number | null> {
  for (let candidate = port + 1; candidate <= Math.min(65_535, port + 50); candidate += 1)
    if (typeof (await tryListen(host, candidate)) === 'number') return candidate;
  return null;
}

/** The port where it works, else the code of the error. */
function tryListen(host: string, port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
