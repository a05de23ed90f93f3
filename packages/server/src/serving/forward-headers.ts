import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { MusterError } from '@muster-ml/protocol';

/** Headers that are about one connection, not about the request (RFC 9110, 7.6.1). `expect` was answered by the gateway already. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** Says where a request came from: believed from a trusted proxy only, else replaced. */
const forwarding = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-real-ip',
]);

/** Set by the gateway itself. */
const replaced = new Set(['x-request-id', 'x-muster-gateway']);

/** Who sent a request, as the socket shows it. */
export interface Sender {
  readonly address: string | undefined;
  readonly isTls: boolean;
}

/** Whether an address is one of the proxies whose `X-Forwarded-*` are believed. Throws `invalid_configuration` for what is no address or range. */
export function createTrust(trustedProxies: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const entry of trustedProxies) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
    const bits = Number(prefix ?? (family === 'ipv4' ? 32 : 128));
    if (family === undefined || !Number.isInteger(bits) || bits < 0 || bits > (family === 'ipv4' ? 32 : 128)) {
      throw new MusterError('invalid_configuration', `"${entry}" is no address or range of a trusted proxy`, {
        place: 'trustedProxies',
        remedy: 'Write 10.0.0.1, 10.0.0.0/8 or their IPv6 form.',
      });
    }
    list.addSubnet(address, bits, family);
  }
  // Looking into the list costs more than everything else that is asked about most requests.
  if (trustedProxies.length === 0) return () => false;
  return (address) => {
    const plain = plainAddress(address);
    if (plain === undefined) return false;
    return isIPv4(plain) ? list.check(plain, 'ipv4') : isIPv6(plain) && list.check(plain, 'ipv6');
  };
}

/** An IPv4 address that came by an IPv6 socket, as IPv4. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') === true && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/**
 * The headers of a request as control gets them, names and values in turns as node takes them: what belongs to one hop
 * is left out, where the request came from is said by the gateway, and the body keeps the length or the chunking it had.
 */
export function forwardedRequestHeaders(
  raw: readonly string[],
  sender: Sender,
  isTrusted: boolean,
  requestId: string,
): string[] {
  const dropped = namedByConnection(raw);
  const headers: string[] = [];
  const told = new Map<string, string>();
  let hasLength = false;
  let isChunked = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name = '', value = ''] = [raw[index], raw[index + 1]];
    const lower = name.toLowerCase();
    if (lower === 'transfer-encoding') isChunked = true;
    if (lower === 'content-length') hasLength = true;
    if (lower === 'host') told.set('host', value);
    if (forwarding.has(lower)) told.set(lower, told.has(lower) ? `${told.get(lower)}, ${value}` : value);
    if (hopByHop.has(lower) || forwarding.has(lower) || replaced.has(lower) || dropped.has(lower)) continue;
    headers.push(name, value);
  }
  const believed = (name: string): string | undefined => (isTrusted ? told.get(name) : undefined);
  const before = believed('x-forwarded-for');
  const address = plainAddress(sender.address) ?? 'unknown';
  headers.push('X-Forwarded-For', before === undefined ? address : `${before}, ${address}`);
  headers.push('X-Forwarded-Proto', believed('x-forwarded-proto') ?? (sender.isTls ? 'https' : 'http'));
  const host = believed('x-forwarded-host') ?? told.get('host');
  if (host !== undefined) headers.push('X-Forwarded-Host', host);
  headers.push('X-Request-Id', requestId);
  if (isChunked) headers.push('Transfer-Encoding', 'chunked');
  else if (!hasLength) headers.push('Content-Length', '0');
  headers.push('Connection', 'keep-alive');
  return headers;
}

/** The headers of control's answer as the caller gets them. */
export function forwardedResponseHeaders(raw: readonly string[]): string[] {
  const dropped = namedByConnection(raw);
  const headers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !dropped.has(lower)) headers.push(name, raw[index + 1] ?? '');
  }
  return headers;
}

/** Lower-case names that the Connection header declares as this hop's. The length of the body is never one. */
function namedByConnection(raw: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== 'connection') continue;
    for (const name of (raw[index + 1] ?? '').split(',')) names.add(name.trim().toLowerCase());
  }
  for (const kept of ['content-length', 'host', 'authorization', 'cookie']) names.delete(kept);
  return names;
}
