import { type IncomingMessage, type ServerResponse, createServer, request as requestHttp } from 'node:http';
import { type Socket, connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

export interface EgressProxyOptions {
  /** The Unix socket that it listens on. */
  readonly socketFile: string;
  /** `host:port` in lower case: all that may be reached. */
  readonly hosts: readonly string[];
  /** Its proxy variables say how this machine itself gets out. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The only way out of the cage of a build. */
export interface EgressProxy {
  /** Hosts that were asked for and are not allowed. */
  readonly refused: () => readonly string[];
  /** Ends all connections. */
  readonly close: () => Promise<void>;
}

const idleMs = 120_000;
const maxConnections = 256;
const maxHeadBytes = 16 * 1024;
const maxRefused = 20;

/**
 * Starts an HTTP proxy on a Unix socket that lets through to a few hosts only: tunnels for HTTPS, and GET and HEAD for
 * indexes that speak plain HTTP. What comes from the cage is not trusted: names are compared, never resolved, unless allowed.
 */
export async function startEgressProxy({ socketFile, hosts, environment }: EgressProxyOptions): Promise<EgressProxy> {
  const allowed = new Set(hosts);
  const refused = new Set<string>();
  const open = new Set<Duplex>();
  const keep = (stream: Duplex): void => {
    open.add(stream);
    stream.once('close', () => open.delete(stream));
  };
  const mayReach = (host: string): boolean => {
    if (allowed.has(host)) return true;
    if (refused.size < maxRefused) refused.add(host.slice(0, 300));
    return false;
  };

  const server = createServer({ maxHeaderSize: maxHeadBytes }, (request, response) => {
    const target = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null;
    if (target?.protocol !== 'http:') return answer(response, 400, 'this is a proxy');
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'only GET and HEAD');
    if (!mayReach(`${target.hostname}:${target.port || '80'}`))
      return answer(response, 403, 'this host is not allowed');
    return forward(request, response, target, upstreamFor('http', target.hostname, environment));
  });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => client.destroy());
    const [, host = '', port = ''] = /^([A-Za-z0-9.-]{1,253}):(\d{1,5})$/.exec(request.url ?? '') ?? [];
    if (!mayReach(`${host.toLowerCase()}:${port}`)) {
      client.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    tunnel({ host, port: Number(port), upstream: upstreamFor('https', host, environment), client, head, keep });
  });
  server.on('connection', keep);
  server.on('clientError', (_error, socket) => socket.destroy());
  server.maxConnections = maxConnections;
  server.requestTimeout = idleMs;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketFile, resolve);
  });
  return {
    refused: () => [...refused],
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const stream of open) stream.destroy();
      await closed;
    },
  };
}

interface Tunnel {
  readonly host: string;
  readonly port: number;
  readonly upstream: URL | null;
  readonly client: Duplex;
  /** What the client sent right behind its request. */
  readonly head: Buffer;
  readonly keep: (stream: Duplex) => void;
}

function tunnel({ host, port, upstream, client, head, keep }: Tunnel): void {
  const remote = upstream === null ? connectTcp({ host, port }) : connectProxy(upstream);
  keep(remote);
  const fail = (): void => {
    if (client.writable && !isJoined) client.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
    else client.destroy();
    remote.destroy();
  };
  let isJoined = false;
  const join = (): void => {
    isJoined = true;
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.byteLength > 0) remote.write(head);
    remote.pipe(client);
    client.pipe(remote);
  };
  remote.on('error', fail);
  remote.setTimeout(idleMs, fail);
  // What it sent before is still on its way to who asked.
  remote.once('close', () => client.end(() => client.destroy()));
  client.once('close', () => remote.destroy());
  remote.once(upstream?.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
    if (upstream === null) return join();
    remote.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n${authorizationOf(upstream)}\r\n`);
    return readHead(remote, (status) => (status === 200 ? join() : fail()));
  });
}

/** Reads the answer of the proxy in front of us up to its blank line and gives the status; what follows stays in the stream. */
function readHead(remote: Socket, done: (status: number) => void): void {
  let text = Buffer.alloc(0);
  const read = (): void => {
    for (;;) {
      const chunk: unknown = remote.read();
      if (!(chunk instanceof Uint8Array)) return undefined;
      text = Buffer.concat([text, chunk]);
      const end = text.indexOf('\r\n\r\n');
      if (end < 0 && text.byteLength <= maxHeadBytes) continue;
      remote.off('readable', read);
      if (end >= 0 && end + 4 < text.byteLength) remote.unshift(text.subarray(end + 4));
      const [, status = '0'] = /^HTTP\/1\.[01] (\d{3})/.exec(text.toString('latin1')) ?? [];
      return done(end < 0 ? 0 : Number(status));
    }
  };
  remote.on('readable', read);
}

function forward(request: IncomingMessage, response: ServerResponse, target: URL, upstream: URL | null): void {
  const headers = { ...request.headers, host: target.host };
  for (const name of ['connection', 'proxy-connection', 'proxy-authorization', 'keep-alive', 'te', 'upgrade'])
    Reflect.deleteProperty(headers, name);
  const authorization = upstream === null ? undefined : basicOf(upstream);
  const to = upstream ?? target;
  const outgoing = requestHttp({
    host: to.hostname,
    port: Number(to.port || '80'),
    method: request.method,
    path: upstream === null ? `${target.pathname}${target.search}` : target.href,
    headers: { ...headers, ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }) },
    timeout: idleMs,
  });
  outgoing.once('timeout', () => outgoing.destroy(new Error('the index is silent')));
  outgoing.once('error', () => answer(response, 502, 'the index cannot be reached'));
  outgoing.once('response', (incoming) => {
    response.writeHead(incoming.statusCode ?? 502, incoming.headers);
    incoming.pipe(response);
    incoming.once('error', () => response.destroy());
  });
  response.once('close', () => outgoing.destroy());
  outgoing.end();
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
}

/** The proxy that this machine itself must use for a host, as curl reads the variables. */
export function upstreamFor(
  scheme: 'http' | 'https',
  host: string,
  environment: Readonly<Record<string, string>>,
): URL | null {
  const read = (name: string): string | undefined => environment[name] ?? environment[name.toUpperCase()];
  const exempt = (read('no_proxy') ?? '').split(',').map((each) =>
    each
      .trim()
      .replace(/^\*?\./, '')
      .toLowerCase(),
  );
  const name = host.toLowerCase();
  if (exempt.some((each) => each === '*' || (each !== '' && (name === each || name.endsWith(`.${each}`))))) return null;
  const text = read(`${scheme}_proxy`) ?? read('all_proxy') ?? '';
  const address = text === '' || text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
}

function connectProxy(proxy: URL): Socket {
  const isTls = proxy.protocol === 'https:';
  const port = Number(proxy.port || (isTls ? '443' : '80'));
  return isTls
    ? connectTls({ host: proxy.hostname, port, servername: proxy.hostname })
    : connectTcp({ host: proxy.hostname, port });
}

function authorizationOf(proxy: URL): string {
  const basic = basicOf(proxy);
  return basic === undefined ? '' : `Proxy-Authorization: ${basic}\r\n`;
}

function basicOf({ username, password }: URL): string | undefined {
  if (username === '') return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
