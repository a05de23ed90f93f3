import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createTrust } from './forward-headers.ts';
import { prefixOf, sourceOf } from './source.ts';

const isTrusted = createTrust(['10.0.0.0/8', 'fd00::/8']);

function source(peer: string | undefined, forwardedFor?: string, more: Record<string, string> = {}): string {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: peer });
  const request = new IncomingMessage(socket);
  request.headers = { ...more, ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }) };
  return sourceOf(request, isTrusted);
}

test('an IPv4 address is a source of its own, also where it came by an IPv6 socket', () => {
  expect(source('203.0.113.7')).toBe('203.0.113.7');
  expect(source('::ffff:203.0.113.7')).toBe('203.0.113.7');
  expect(source('::ffff:cb00:7107')).toBe('203.0.113.7');
  expect(source(undefined)).toBe('unknown');
});

test('all addresses of an IPv6 /64 are one source, however they are written', () => {
  for (const address of ['2001:db8:1:2::5', '2001:0DB8:0001:0002:ffff:1:2:3', '2001:db8:1:2:a:b:192.0.2.1'])
    expect(source(address)).toBe('2001:db8:1:2::/64');
  expect(source('2001:db8:1:3::5')).toBe('2001:db8:1:3::/64');
  expect(source('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  expect(source('::1')).toBe('0:0:0:0::/64');
});

test('a stranger is not believed about who it speaks for, whatever the header', () => {
  const forged = { forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6' };
  expect(source('203.0.113.7', '6.6.6.6', forged)).toBe('203.0.113.7');
});

test('behind trusted proxies it is the client that the last of them saw, and never what the client wrote itself', () => {
  expect(source('10.0.0.1', '203.0.113.7')).toBe('203.0.113.7');
  expect(source('10.0.0.1', '6.6.6.6, 203.0.113.7')).toBe('203.0.113.7');
  expect(source('10.0.0.1', '6.6.6.6, 203.0.113.7, 10.2.2.2')).toBe('203.0.113.7');
  expect(source('::ffff:10.0.0.1', '[2001:db8:1:2::5]:443')).toBe('2001:db8:1:2::/64');
  expect(source('10.0.0.1', '203.0.113.7:5123')).toBe('203.0.113.7');
});

test('a proxy that tells no client, or junk, is the source itself', () => {
  expect(source('10.0.0.1')).toBe('10.0.0.1');
  for (const junk of ['', 'unknown', '203.0.113.7, nonsense', '1.2.3.4.5', '[::1', ','.repeat(10_000)])
    expect(source('10.0.0.1', junk)).toBe('10.0.0.1');
});

test('of a source no more than its network is told to others', () => {
  expect(prefixOf('203.0.113.7')).toBe('203.0.113.0/24');
  expect(prefixOf('2001:db8:1:2::/64')).toBe('2001:db8:1::/48');
  expect(prefixOf('unknown')).toBe('unknown');
});
