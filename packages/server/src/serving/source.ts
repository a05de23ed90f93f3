import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from './forward-headers.ts';

/** Proxies behind each other that are looked through; a longer chain is no chain of ours. */
const maxHops = 20;

/** Where a request whose socket is gone came from. */
const unknownSource = 'unknown';

/**
 * Who sent a request, for counting: an IPv4 address, or the /64 of an IPv6 address, because that is the least that one
 * customer of a provider gets. `X-Forwarded-For` is read only where the peer is a trusted proxy, from the right, up to
 * the first address that is none: what stands further left is the caller's own word.
 */
export function sourceOf(request: IncomingMessage, isTrusted: (address: string | undefined) => boolean): string {
  const peer = plainAddress(request.socket.remoteAddress);
  let source = sourceOfAddress(peer);
  if (!isTrusted(peer)) return source ?? unknownSource;
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').slice(-maxHops);
  for (const hop of hops.toReversed()) {
    const address = addressOf(hop.trim());
    const found = sourceOfAddress(address);
    // What a trusted proxy wrote is an address; anything else was there before it.
    if (found === undefined) break;
    source = found;
    if (!isTrusted(address)) break;
  }
  return source ?? unknownSource;
}

/** What is told of a source beyond this process: enough to see where from, too little to name a person's line. */
export function prefixOf(source: string): string {
  if (isIPv4(source)) return `${source.split('.').slice(0, 3).join('.')}.0/24`;
  const [network = ''] = source.split('::/', 1);
  return source.endsWith('::/64') ? `${network.split(':').slice(0, 3).join(':')}::/48` : source;
}

/** The source of an address; undefined if it is none. */
function sourceOfAddress(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight groups of a valid IPv6 address, without its zone. */
function groupsOf(address: string): readonly number[] {
  const [plain = ''] = address.split('%', 1);
  const [left = '', right] = plain.split('::');
  const front = readGroups(left);
  const back = right === undefined ? [] : readGroups(right);
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

function readGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** The address of one entry of `X-Forwarded-For`, which some proxies write with a port. */
function addressOf(entry: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1];
  if (bracketed !== undefined) return bracketed;
  return plainAddress(/^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry)?.[1] ?? entry) ?? entry;
}
