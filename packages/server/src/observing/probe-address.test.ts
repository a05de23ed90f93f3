import { describe, expect, it } from 'vitest';
import { isAllowedHost, isPublicAddress } from './probe-address.ts';

describe('an address on the public Internet', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
  ])('is %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ['unspecified', '0.0.0.0'],
    ['unspecified', '::'],
    ['of this network', '0.1.2.3'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['loopback', '::1'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['unique local', 'fd00::1'],
    ['link-local, where clouds keep credentials', '169.254.169.254'],
    ['link-local', 'fe80::1'],
    ['link-local', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['shared by a carrier', '100.64.0.1'],
    ['shared by a carrier', '100.127.255.255'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['mapped', '::ffff:127.0.0.1'],
    ['mapped', '::ffff:7f00:1'],
    ['mapped', '0:0:0:0:0:ffff:a00:1'],
    ['compatible', '::127.0.0.1'],
    ['behind NAT64', '64:ff9b::127.0.0.1'],
    ['behind NAT64', '64:ff9b::a9fe:a9fe'],
    ['behind a NAT64 of one’s own', '64:ff9b:1::808:808'],
    ['behind 6to4', '2002:7f00:1::'],
    ['behind Teredo', '2001:0:53aa:64c::1'],
    ['documentation', '2001:db8::1'],
    ['no address', 'localhost'],
    ['no address', ''],
  ])('is none that is %s: %s', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('the list of hosts', () => {
  it.each([
    ['http://models.example.org/ready', ['models.example.org'], true],
    ['https://models.example.org/ready', ['models.example.org'], true],
    ['https://MODELS.example.org/', ['Models.Example.org'], true],
    ['http://models.example.org:8080/', ['models.example.org'], false],
    ['http://models.example.org:8080/', ['models.example.org:8080'], true],
    ['http://models.example.org/', ['models.example.org:80'], true],
    ['https://models.example.org/', ['models.example.org:80'], false],
    ['http://a.example.org/', ['*.example.org'], true],
    ['http://a.b.example.org/', ['*.example.org'], true],
    ['http://example.org/', ['*.example.org'], false],
    ['http://badexample.org/', ['*.example.org'], false],
    ['http://models.example.org.evil.net/', ['models.example.org', '*.example.org'], false],
    ['http://a.example.org:81/', ['*.example.org:81'], true],
    ['http://127.0.0.1/', ['127.0.0.1'], true],
    // URL writes every form of an address as one.
    ['http://0x7f.1/', ['127.0.0.1'], true],
    ['http://[::1]:81/', ['[0:0::1]:81'], true],
    ['http://[::1]/', ['[::2]'], false],
    ['http://models.example.org/', [], false],
  ])('%s in %j: %s', (url, allowed, expected) => {
    expect(isAllowedHost(new URL(url), allowed)).toBe(expected);
  });

  it('never has another protocol', () => {
    expect(isAllowedHost(new URL('file://models.example.org/etc'), ['models.example.org'])).toBe(false);
    expect(isAllowedHost(new URL('ftp://models.example.org/'), ['models.example.org'])).toBe(false);
  });
});
