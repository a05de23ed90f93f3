import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { MusterError, quoteName } from '@muster-ml/protocol';
import { plainAddress } from './forward-headers.ts';

export interface HostCheckOptions {
  /** Address that the gateway listens on. */
  readonly host: string;
  readonly isTls: boolean;
  /** Names that it answers to besides those of this machine. */
  readonly allowedHosts: readonly string[];
  readonly isTrusted: (address: string | undefined) => boolean;
}

/** Hosts that were found right and need no second look. */
const rememberedHosts = 100;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether a name or an address is this machine's own. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const address = plainAddress(host) ?? host;
  return isIP(address) !== 0 && loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * Refuses requests that were meant for another name. A web page can have its own name resolved to a loopback address
 * (DNS rebinding), and then the browser lets it read what a server on this machine answers; but the browser sends the
 * page's name as Host, and that is how it is found out. An address as Host cannot come about that way.
 *
 * Enforced on loopback without TLS, and everywhere where names are allowed by name. What a trusted proxy sends is
 * taken: the proxy answers for the names it serves. The check throws `host_not_allowed`, and `invalid_request` for two
 * hosts; making it throws `invalid_configuration` for what is no host.
 */
export function createHostCheck(options: HostCheckOptions): (request: IncomingMessage) => void {
  const allowed = new Set(options.allowedHosts.map(allowedHost));
  const isEnforced = allowed.size > 0 || (isLoopback(options.host) && !options.isTls);
  const remembered = new Set<string>();

  const isRight = (authority: string, request: IncomingMessage): boolean => {
    if (remembered.has(authority)) return true;
    const host = hostOf(authority);
    if (host === undefined) return false;
    // Not remembered: another connection may have come in by another address.
    if (host === normalHost(plainAddress(request.socket.localAddress) ?? '')) return true;
    if (!allowed.has(host) && !isLoopback(host)) return false;
    if (remembered.size < rememberedHosts) remembered.add(authority);
    return true;
  };

  return (request) => {
    if (hostHeaders(request.rawHeaders) > 1)
      throw new MusterError('invalid_request', 'the request has more than one Host', { place: 'Host' });
    if (!isEnforced) return;
    const named = request.headers.host ?? '';
    // A whole address in the request line counts more than the header (RFC 9112, 3.2.2), so both must be right.
    const target = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(request.url ?? '')?.[1];
    const wrong = [named, target].find((authority) => authority !== undefined && !isRight(authority, request));
    if (wrong !== undefined && !options.isTrusted(request.socket.remoteAddress)) throw refusal(wrong);
  };
}

function allowedHost(text: string): string {
  const host = normalHost(text);
  if (host !== undefined) return host;
  throw new MusterError('invalid_configuration', `"${text}" is no host name and no address`, {
    place: 'gateway.allowedHosts',
    remedy: 'Write muster.example.org, without a port.',
  });
}

function refusal(authority: string): MusterError {
  return new MusterError(
    'host_not_allowed',
    authority === ''
      ? 'the request has no Host, and this server answers by name only'
      : `this server does not answer to the host ${quoteName(authority)}`,
    { place: 'Host' },
  );
}

/** A host name or an address as it is compared; undefined for what is neither. */
function normalHost(text: string): string | undefined {
  const host = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  const inner = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (isIPv6(inner) && !inner.includes('%')) {
    const short = new URL(`http://[${inner}]`).hostname.slice(1, -1);
    const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
    if (mapped === null) return short;
    const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(host) && host.length <= 253 ? host : undefined;
}

/** The host of `name`, `name:port`, `[address]` or `[address]:port`. The port is not looked at: tunnels change it. */
function hostOf(authority: string): string | undefined {
  const parts = /^(\[[0-9a-f:.]+\]|[^:@[\]/\s]+)(?::\d{1,5})?$/i.exec(authority);
  return parts?.[1] === undefined ? undefined : normalHost(parts[1]);
}

function hostHeaders(raw: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < raw.length; index += 2)
    if (raw[index]?.length === 4 && raw[index]?.toLowerCase() === 'host') count += 1;
  return count;
}
