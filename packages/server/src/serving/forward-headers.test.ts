import { describe, expect, test } from 'vitest';
import { createTrust, forwardedRequestHeaders, forwardedResponseHeaders, plainAddress } from './forward-headers.ts';

function asPairs(list: readonly string[]): string[] {
  return Array.from(
    { length: list.length / 2 },
    (_, index) => `${list[index * 2]?.toLowerCase()}: ${list[index * 2 + 1]}`,
  );
}

const sender = { address: '::ffff:10.1.2.3', isTls: true };

describe('forwarded headers', () => {
  test('lose what belongs to one hop, whatever the Connection header names, but never the length or the token', () => {
    const raw = [
      'Host',
      'h',
      'Connection',
      'x-a, Content-Length, authorization',
      'X-A',
      '1',
      'Content-Length',
      '3',
      'Authorization',
      'Bearer t',
      'TE',
      'trailers',
      'Upgrade',
      'h2c',
      'Expect',
      '100-continue',
      'X-B',
      '2',
      'X-B',
      '3',
    ];
    expect(asPairs(forwardedRequestHeaders(raw, sender, false, 'id'))).toEqual([
      'host: h',
      'content-length: 3',
      'authorization: Bearer t',
      'x-b: 2',
      'x-b: 3',
      'x-forwarded-for: 10.1.2.3',
      'x-forwarded-proto: https',
      'x-forwarded-host: h',
      'x-request-id: id',
      'connection: keep-alive',
    ]);
  });

  test('keep a body chunked that came so, and say that there is none where there is none', () => {
    expect(asPairs(forwardedRequestHeaders(['Transfer-Encoding', 'chunked'], sender, false, 'id'))).toContain(
      'transfer-encoding: chunked',
    );
    expect(asPairs(forwardedRequestHeaders([], sender, false, 'id'))).toContain('content-length: 0');
  });

  test('of an answer lose what belongs to one hop', () => {
    expect(
      forwardedResponseHeaders([
        'Connection',
        'x-a',
        'X-A',
        '1',
        'Transfer-Encoding',
        'chunked',
        'Set-Cookie',
        'a',
        'Set-Cookie',
        'b',
      ]),
    ).toEqual(['Set-Cookie', 'a', 'Set-Cookie', 'b']);
  });

  test('believe addresses and ranges that were named', () => {
    const isTrusted = createTrust(['10.0.0.0/8', '192.168.1.1', 'fd00::/8']);
    expect(['10.9.9.9', '::ffff:10.9.9.9', '192.168.1.1', 'fd00::1'].map(isTrusted)).toEqual([true, true, true, true]);
    expect(['11.0.0.1', '192.168.1.2', 'fe80::1', undefined, ''].map(isTrusted)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    for (const bad of ['proxy', '10.0.0.0/33', '10.0.0.0/x', ''])
      expect(() => createTrust([bad])).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
    expect(plainAddress('::1')).toBe('::1');
  });
});
