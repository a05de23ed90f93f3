import { BlockList, isIP, isIPv4 } from 'node:net';

/** Which addresses may be looked at. */
export interface ProbeRules {
  /** `host` and `host:port`; `*.example.org` is every host below it. Without a port, that of http and https. */
  readonly allowedHosts: readonly string[];
  /** Whether addresses that only reach this machine or this network may be looked at. */
  readonly allowPrivate: boolean;
}

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Whether the list of hosts has the one of this address. Pure; says nothing of where the host leads. */
export function isAllowedHost(url: URL, allowedHosts: readonly string[]): boolean {
  const usual = defaultPorts[url.protocol];
  if (usual === undefined) return false;
  return allowedHosts.some((entry) => {
    const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(portable(entry)) ?? [];
    const isPort = port === undefined ? url.port === '' : port === (url.port === '' ? usual : url.port);
    return isPort && isHost(url.hostname, host);
  });
}

/** The host and port of an address, as `allowedHosts` has to name it. */
export function entryOf(url: URL): string {
  return url.host;
}

/** An address in brackets holds colons that begin no port; URL writes it in one form only. */
function portable(entry: string): string {
  const [, address, rest = ''] = /^(\[[^\]]*\])(.*)$/.exec(entry) ?? [];
  if (address === undefined) return entry.toLowerCase();
  return URL.canParse(`http://${address}/`) ? `${new URL(`http://${address}/`).hostname}${rest}` : entry;
}

function isHost(hostname: string, allowed: string): boolean {
  if (!allowed.startsWith('*.')) return hostname === allowed;
  return isIP(hostname) === 0 && hostname.endsWith(allowed.slice(1)) && hostname.length > allowed.length - 1;
}

/** IANA's special-purpose addresses (RFC 6890 and its updates) that are not on the public Internet, or lead elsewhere. */
const special = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  special.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  // Unspecified, loopback, and the old form that holds an IPv4 address.
  ['::', 96],
  // NAT64 of one's own network, whose length is unknown.
  ['64:ff9b:1::', 48],
  ['100::', 64],
  // Teredo, and others that IETF keeps for protocols.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  special.addSubnet(network, bits, 'ipv6');

/** Whether an IP address is on the public Internet. Whatever is none, or wraps one that is not, is not. Pure. */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 0) return false;
  if (family === 4) return !special.check(plain, 'ipv4');
  const groups = groupsOf(plain);
  const wrapped = wrappedAddress(groups);
  if (wrapped !== undefined) return isPublicAddress(wrapped);
  return !special.check(plain, 'ipv6');
}

/** The IPv4 address within an IPv4-mapped one (::ffff:0:0/96), one of NAT64 (64:ff9b::/96), or one of 6to4 (2002::/16). */
function wrappedAddress(groups: readonly number[]): string | undefined {
  const begins = (...head: readonly number[]): boolean => head.every((group, at) => groups[at] === group);
  if (begins(0, 0, 0, 0, 0, 0xffff) || begins(0x64, 0xff9b, 0, 0, 0, 0)) return quad(groups[6] ?? 0, groups[7] ?? 0);
  if (begins(0x2002)) return quad(groups[1] ?? 0, groups[2] ?? 0);
  return undefined;
}

function quad(high: number, low: number): string {
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const before = partsOf(head);
  const after = tail === undefined ? [] : partsOf(tail);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function partsOf(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!isIPv4(part)) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
